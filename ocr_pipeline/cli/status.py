"""What is there, complete, missing or stale: the guide's readiness checks."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ocr_pipeline.cli.options import optional_source_option, output_option, partition_option
from ocr_pipeline.cli.tables import print_table, reasons_text
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.states import partition_states
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.stages import STAGES, stages_of
from ocr_pipeline.storage.artifacts.state import ArtifactState, Making, find_state, fingerprints
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

COLUMNS = ("artifact", "file", "state", "pages", "words", "aside", "set aside because")


@click.command()
@optional_source_option
@output_option
@partition_option
@click.option("--verify", is_flag=True, help="Read every byte of what is published, and say what differs.")
def status(share: Share | None, workspace: Workspace, partitions: list[SourcePartition], verify: bool) -> None:
    """What is complete, missing, stale or empty; with a source, labels and pictures are compared with the share."""
    states = [state for partition in partitions for state in partition_states(workspace, partition, share, os.environ)]
    for name in stages_of("training"):
        states += [
            find_state(name, checkpoint, Making(_learned_from(workspace, checkpoint)))
            for checkpoint in STAGES[name].artifacts(workspace)
        ]
    states = [state.verified() for state in states] if verify else states
    print_table(str(workspace.root), COLUMNS, map(_row, states))
    damaged = [str(one.artifact) for one in states if one.state.name == "damaged"]
    if damaged:
        raise PipelineError(
            "what is published is damaged",
            where=", ".join(damaged),
            remedy="Delete the manifest beside each of them and materialise the assets again.",
        )


def _learned_from(workspace: Workspace, checkpoint: Path) -> dict[str, str]:
    manifest = find_state("", checkpoint, Making()).manifest
    return fingerprints({item.name: workspace.root / item.name for item in manifest.inputs}) if manifest else {}


def _row(found: ArtifactState) -> tuple[object, ...]:
    counts = found.manifest.counts if found.manifest else Counts()
    aside = counts.pages_quarantined + counts.words_quarantined
    name, state = found.artifact.name, str(found.state)
    return found.stage, name, state, counts.pages_out, counts.words_out, aside, reasons_text(counts)
