"""What is there, complete, missing or stale: the guide's readiness checks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from ocr_pipeline.cli.options import demand_output, optional_source_option, output_option, partition_option
from ocr_pipeline.cli.output import say
from ocr_pipeline.cli.tables import print_table, reasons_text
from ocr_pipeline.data.datasets import SYNTHETIC_PARTITIONS, SourcePartition
from ocr_pipeline.data.plan import OFF_SHARE, has_source
from ocr_pipeline.data.states import partition_states
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import known_manifest
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.stages import STAGES, stages_of
from ocr_pipeline.storage.artifacts.state import ArtifactState, Making, find_state, fingerprints
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

COLUMNS = ("artifact", "file", "state", "pages", "words", "aside", "set aside because")
_WORST = ("damaged", "incomplete", "stale", "missing", "complete", "empty")
"""Of several artifacts in one place of the matrix the first of these is told."""


@click.command()
@optional_source_option
@output_option
@partition_option
@click.option("--verbose", "-v", is_flag=True, help="A line for each artifact: file, counts, what was set aside.")
@click.option("--verify", is_flag=True, help="Read every byte of what is published, and say what differs.")
@click.pass_context
def status(
    context: click.Context,
    share: Share | None,
    workspace: Workspace,
    partitions: list[SourcePartition],
    verbose: bool,
    verify: bool,
) -> None:
    """What is complete, missing, stale or empty; with a source, labels and pictures are compared with the share."""
    demand_output(workspace)
    if context.get_parameter_source("partitions") is click.core.ParameterSource.DEFAULT:
        partitions = [*partitions, *_drawn(workspace)]
    away = {part.key for part in partitions if share and not has_source(part.dataset, share)}
    data = {
        part.key: list(partition_states(workspace, part, None if part.key in away else share, os.environ))
        for part in partitions
    }
    trained = [
        find_state(name, checkpoint, Making(_learned_from(workspace, checkpoint)))
        for name in stages_of("training")
        for checkpoint in STAGES[name].artifacts(workspace)
    ]
    if verify:
        data = {key: [one.verified() for one in states] for key, states in data.items()}
        trained = [one.verified() for one in trained]
    states = [one for found in (*data.values(), trained) for one in found]
    if verbose:
        print_table(str(workspace.root), COLUMNS, map(_row, states))
    else:
        _print_matrix(workspace, data, trained)
    if left := [key for key, found in data.items() if key in away and any(one.manifest for one in found)]:
        say(f"not compared: {', '.join(left)} ({OFF_SHARE})", err=True)
    _demand_undamaged(states)


def _print_matrix(workspace: Workspace, data: dict[str, list[ArtifactState]], trained: list[ArtifactState]) -> None:
    """Partitions by assets, one word for each; below it the trainings, and why what is not current is not."""
    assets = stages_of("data")
    rows = [
        (key, *(_worst(one for one in found if one.stage == asset) for asset in assets)) for key, found in data.items()
    ]
    print_table(str(workspace.root), ("partition", *(asset.replace("_", "\n_") for asset in assets)), rows)
    print_table("", ("training", "state"), [(one.stage, str(one.state)) for one in trained])
    for key, found in data.items():
        for one in found:
            if one.state.why:
                say(f"{key}, {one.stage} {one.artifact.name}: {one.state}")
    if all(one.state.name == "missing" for found in data.values() for one in found):
        say("Nothing of these partitions is published here.")


def _worst(states: Iterable[ArtifactState]) -> str:
    return min((one.state.name for one in states), key=_WORST.index)


def _demand_undamaged(states: Sequence[ArtifactState]) -> None:
    damaged = [str(one.artifact) for one in states if one.state.name == "damaged"]
    if damaged:
        raise PipelineError(
            "what is published is damaged",
            where=", ".join(damaged),
            remedy="Delete the manifest beside each of them and materialise the assets again.",
        )


def _drawn(workspace: Workspace) -> list[SourcePartition]:
    """The drawn partitions of which anything is published: nobody misses them who never asked for them."""
    return [one for one in SYNTHETIC_PARTITIONS.values() if known_manifest(workspace.merged_json(one.key))]


def _learned_from(workspace: Workspace, checkpoint: Path) -> dict[str, str]:
    manifest = find_state("", checkpoint, Making()).manifest
    return fingerprints({item.name: workspace.root / item.name for item in manifest.inputs}) if manifest else {}


def _row(found: ArtifactState) -> tuple[object, ...]:
    counts = found.manifest.counts if found.manifest else Counts()
    aside = counts.pages_quarantined + counts.words_quarantined
    name, state = found.artifact.name, str(found.state)
    return found.stage, name, state, counts.pages_out, counts.words_out, aside, reasons_text(counts)
