"""``doctor``: whether everything that a run needs is in its place, and what to do where it is not."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.request import urlopen

import click

from ocr_pipeline.cli.dotenv import blamed, of_dotenv, taken_from_dotenv
from ocr_pipeline.cli.options import output_option
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.workspace import OUTPUT_VARIABLE, Workspace
from ocr_pipeline.storage.source.share import SOURCE_VARIABLE, Share

if TYPE_CHECKING:
    from ocr_pipeline.release.sections import FastSection

_LITTLE_SPACE = 10.0  # GB
_PATIENCE = 5.0  # seconds for an answer of the hub


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        state: ``note`` is worth knowing, and stops nothing.
        told: what was found; where it is not right, what to do.
    """

    state: Literal["ok", "note", "wrong"]
    subject: str
    told: str


Check = Callable[[str, Workspace], Iterator[Finding]]
"""(source, output) -> what was found."""


@click.command()
@click.option("--source", envvar=SOURCE_VARIABLE, default="", show_envvar=True, help="Folder or URL of the sets.")
@output_option
def doctor(source: str, workspace: Workspace) -> None:
    """Look whether all that a run needs is in its place: data sets, output, devices, models, fonts, Dagster.

    What is wrong is told with its remedy. The exit code is 1 where something is wrong.
    """
    looks = (_looked_at(subject, check, source, workspace) for subject, check in CHECKS.items())
    findings = list(dict.fromkeys(chain.from_iterable(looks)))  # of a recipe several looks may find the same
    print_table("", ("", "", "found"), findings)
    wrong = sum(finding.state == "wrong" for finding in findings)
    click.echo(f"\n{wrong} of {len(findings)} wrong." if wrong else "\nNothing is wrong.")
    if wrong:
        sys.exit(1)


def _looked_at(subject: str, check: Check, source: str, workspace: Workspace) -> Iterator[Finding]:
    try:
        yield from check(source, workspace)
    except PipelineError as error:
        yield Finding("wrong", subject, f"{error} {blamed(error, taken_from_dotenv())}".rstrip())


def _sets(source: str, workspace: Workspace) -> Iterator[Finding]:
    from ocr_pipeline.data.datasets import DATASETS, demand_a_set
    from ocr_pipeline.data.datasets.dataset import find_roots

    share = Share.from_environment({**os.environ, SOURCE_VARIABLE: source})
    demand_a_set(share)
    yield Finding("ok", "source", f"{share.place}{of_dotenv(SOURCE_VARIABLE)}")
    for dataset in DATASETS:
        roots = ", ".join(find_roots(share, dataset.folder))
        told = roots or f"not there: no folder like {dataset.title}. Nothing to do if you do not use it."
        yield Finding("ok" if roots else "note", dataset.name, told)


def _output(source: str, workspace: Workspace) -> Iterator[Finding]:
    there = next(folder for folder in (workspace.root, *workspace.root.parents) if folder.exists())
    try:
        TemporaryFile(dir=there).close()
    except OSError as error:
        remedy = f"Set {OUTPUT_VARIABLE} to a folder of yours, or change its owner."
        yield Finding("wrong", "output", f"nothing can be written to {there} ({error.strerror}). {remedy}")
        return
    free = shutil.disk_usage(there).free / 1e9
    told = f"{workspace.root}{'' if there == workspace.root else ' (made by the first step)'}, {free:,.0f} GB free"
    little = f". Below {_LITTLE_SPACE:.0f} GB only trials fit: choose a larger disk by {OUTPUT_VARIABLE}."
    yield Finding("ok", "output", told) if free >= _LITTLE_SPACE else Finding("note", "output", told + little)


def _devices(source: str, workspace: Workspace) -> Iterator[Finding]:
    from ocr_pipeline.devices.machine import find_machine

    machine, torch = find_machine(), version("torch")
    gpus = f"GPUs {', '.join(machine.gpus)}" if machine.gpus else "no GPU (trainings run on the CPU, slowly)"
    told = f"{gpus}, {machine.cpus} cores, {machine.memory_gb:.0f} GB of memory, torch {torch}"
    if machine.gpus and "+cpu" in torch:
        remedy = "Install the CUDA build: `.venv/bin/pip install --force-reinstall torch`."
        yield Finding("wrong", "devices", f"{told}. This torch cannot use GPUs. {remedy}")
    else:
        yield Finding("ok" if machine.gpus else "note", "devices", told)


def _recipe(source: str, workspace: Workspace) -> Iterator[Finding]:
    from ocr_pipeline.data.synthetic import SyntheticSettings
    from ocr_pipeline.release.contest import ChampionSettings
    from ocr_pipeline.release.recipe_file import recipe_settings
    from ocr_pipeline.release.sections import DloraSection, FastSection, loaded_sections

    sections = loaded_sections(workspace).values()
    for fault in dict.fromkeys(str(each) for each in sections if isinstance(each, PipelineError)):
        yield Finding("wrong", "recipe", fault)
    for section in sections:
        if isinstance(section, FastSection):
            yield _detector(section)
        elif isinstance(section, DloraSection):
            base = section.model_name_or_path
            yield _model(
                "base model", base, base, "set TROCR_BASE (or model_name_or_path in the recipe) to that folder"
            )
    recipe_settings(SyntheticSettings, "synthetic", workspace)
    recipe_settings(ChampionSettings, "champion", workspace)


def _detector(section: FastSection) -> Finding:
    weights = section.checkpoint
    if weights and not weights.exists():
        told = f"no such weights: {weights}. Mend fast_checkpoint.checkpoint in the recipe."
        return Finding("wrong", "detector", told)
    section.settings().effective_config()
    return Finding("ok", "detector", f"{section.config}, from {weights or 'what the configuration says'}")


def _layout_model(source: str, workspace: Workspace) -> Iterator[Finding]:
    from ocr_pipeline.data.layout_lmdb import NO_MODEL, LayoutSettings, repository_of

    name = LayoutSettings.from_environment(os.environ).model
    if name == NO_MODEL:
        told = "none: unlabelled print is not masked. FAST_LAYOUT_MODEL=PP-DocLayoutV2 names one."
        yield Finding("note", "layout model", told)
    else:
        yield _model("layout model", name, repository_of(name), "set FAST_LAYOUT_MODEL to that folder")


def _model(subject: str, name: str, repository: str, remedy: str) -> Finding:
    """Whether weights are here, in the hub's cache, or to be had from the hub."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.constants import ENDPOINT
    from huggingface_hub.errors import HFValidationError

    from ocr_pipeline.models import place_of

    folder = Path(place_of(name)).expanduser()
    if folder.is_dir():
        has_weights = (folder / "config.json").is_file()
        told = name if has_weights else f"{folder} holds no model (config.json). Name another folder."
        return Finding("ok" if has_weights else "wrong", subject, told)
    try:
        cached = try_to_load_from_cache(repository, "config.json")
    except HFValidationError:
        return Finding("wrong", subject, f"{name} is neither a folder nor a name on the hub such as owner/name.")
    if isinstance(cached, str):
        return Finding("ok", subject, f"{name}, in the cache of the Hugging Face hub")
    try:
        urlopen(f"{ENDPOINT}/api/models/{repository}", timeout=_PATIENCE).close()
    except OSError as error:
        fetch = f"Where there is a network: `hf download {repository} --local-dir FOLDER`, then {remedy}."
        return Finding("wrong", subject, f"{name} is neither a folder nor to be had from {ENDPOINT} ({error}). {fetch}")
    return Finding("ok", subject, f"{name}, fetched from {ENDPOINT} at first use")


def _fonts(source: str, workspace: Workspace) -> Iterator[Finding]:
    from ocr_pipeline.data.synthetic.faces import korean_faces, package_faces

    count = len(korean_faces())
    few = count <= len(package_faces())
    told = (
        f"{count} Korean typefaces" + ". `make fonts` brings more; drawn words need them, labelled sets do not." * few
    )
    yield Finding("note" if few else "ok", "fonts", told)


def _dagster(source: str, workspace: Workspace) -> Iterator[Finding]:
    home = Path(os.environ.get("DAGSTER_HOME") or ".dagster_home").absolute()
    if (home / "dagster.yaml").is_file():
        yield Finding("ok", "Dagster home", str(home))
    else:
        yield Finding("note", "Dagster home", f"{home} holds no dagster.yaml yet. `make ui` or `make demo` makes it.")


CHECKS: dict[str, Check] = {
    "source": _sets,
    "output": _output,
    "devices": _devices,
    "recipe": _recipe,
    "layout model": _layout_model,
    "fonts": _fonts,
    "Dagster home": _dagster,
}
