"""The demo as a person runs it: progress all the time, a table at the end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ocr_pipeline.cli.tables import COUNT_COLUMNS, count_cells, print_reasons, print_table
from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.stages import STAGES
from ocr_pipeline.storage.artifacts.workspace import Workspace

if TYPE_CHECKING:
    from ocr_pipeline.demo.graph import Demo


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Where to work."
)
def demo(folder: Path) -> None:
    """The whole way once, over made-up pages: data, both trainings, detections, predictions."""
    start = time.monotonic()
    from dagster import DagsterInstance

    from ocr_pipeline.demo.graph import Demo, dagster_home, materialise, prepare, write_dotenv
    from ocr_pipeline.models import KOREAN_WORDS

    this = Demo(folder.absolute())
    prepare(this, KOREAN_WORDS)
    os.environ |= this.environment | {"DAGSTER_HOME": dagster_home(Path.cwd())}
    write_dotenv(this, Path.cwd(), this.environment | {"DAGSTER_HOME": os.environ["DAGSTER_HOME"]})
    with DagsterInstance.get() as instance:
        failed = list(materialise(instance, lambda run: click.echo(f"{_clock(start)} {run}", err=True)))
    if failed:
        raise PipelineError(
            f"{len(failed)} runs failed",
            where=", ".join(failed),
            remedy="Their errors stand above; `make ui` shows the runs.",
        )
    _report(this.workspace)
    _report_scores(this)
    click.echo(f"\nThe whole way took {_clock(start)}. Everything lies in {this.folder}.")
    if str(this.share) not in Path(".env").read_text(encoding="utf-8"):
        places = " ".join(f"{name}={value}" for name, value in this.environment.items() if value)
        click.echo(f"The .env that was here names other places, and stays as it is. For the demo's: export {places}")
    click.echo("\n".join(["", "Next:", *next_commands()]))


def next_commands() -> Iterator[str]:
    """What can be pasted now: look at the graph, a picture of one's own, data of one's own."""
    command = _as_typed(Path(sys.argv[0]))
    yield "  make ui    # then http://127.0.0.1:3000"
    yield f"  {command} read YOUR_PAGE.jpg --output read"
    yield f"  OCR_PIPELINE_SOURCE=/YOUR/SETS OCR_PIPELINE_OUTPUT=/YOUR/ARTIFACTS {command} doctor"


def _as_typed(program: Path) -> Path:
    """The program as one types it from the working directory."""
    here = Path.cwd()
    return program.relative_to(here) if program.is_relative_to(here) else program


def _clock(start: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - start), 60)
    return f"{minutes}:{seconds:02d}"


def _report(workspace: Workspace) -> None:
    rows = list(asset_rows(workspace))
    numbers = [(name, count, *count_cells(counts)) for name, count, counts, _ in rows]
    print_table("What each asset took in and gave", ("asset", "parts", *COUNT_COLUMNS), numbers)
    print_table("", ("asset", "files"), [(name, where) for name, _, _, where in rows])
    print_reasons((name, counts) for name, _, counts, _ in rows)


def asset_rows(workspace: Workspace) -> Iterator[tuple[str, int, Counts, str]]:
    """Each asset that counts pages and words: its name, number of partitions, counts, and where its files lie."""
    for stage in STAGES.values():
        found = {path: read_manifest(path) for path in stage.artifacts(workspace, PARTITIONS.values())}
        published = {path: manifest for path, manifest in found.items() if manifest}
        counts = sum((manifest.counts for manifest in published.values()), Counts())
        partitions = {manifest.partition for manifest in published.values()}
        names = sorted({path.relative_to(workspace.root).parts[0] for path in published})
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield stage.name, len(partitions), counts, "".join(names[:1]) + more


def _report_scores(this: Demo) -> None:
    from ocr_pipeline.demo.scores import score
    from ocr_pipeline.models import KOREAN_WORDS

    scores, workspace = score(this, KOREAN_WORDS), this.workspace
    found, before = scores.detector, scores.untrained
    read, base = scores.recognizer, scores.base
    rows = [
        ("detections", f"hmean {found.hmean:.3f}", f"untrained {before.hmean:.3f}", found.words, workspace.detections),
        ("predictions", f"CER {read.cer:.3f}", f"base model {base.cer:.3f}", read.count, workspace.predictions),
    ]
    print_table("On held-out pages", ("asset", "trained", "before", "words", "files"), rows)
