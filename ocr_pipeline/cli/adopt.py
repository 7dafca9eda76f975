"""``adopt``: finished work of the guide's scripts counts as finished."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ocr_pipeline.cli.options import output_option
from ocr_pipeline.cli.tables import print_table, reasons_text
from ocr_pipeline.cli.working import artifact_lease
from ocr_pipeline.data.adoption import adopt
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.workspace import Workspace

_COLUMNS = ("file", "becomes", "state", "pages", "words", "aside", "because")


@click.command("adopt")
@click.argument("folder", type=click.Path(path_type=Path))
@output_option
def adopt_command(folder: Path, workspace: Workspace) -> None:
    """Take over merged JSON, lookups and word crops that the guide's scripts have made.

    Each is checked and counted; FOLDER itself is never changed. Exit code 1 if a file had to be refused.
    """
    outcomes, unknown = adopt(folder, workspace, lambda one: artifact_lease(workspace, one.asset, one.partition))
    rows = []
    for outcome in outcomes:
        counts = outcome.counts
        because = "; ".join(filter(None, [outcome.detail, reasons_text(counts)]))
        target = outcome.candidate.target(workspace).relative_to(workspace.root)
        name = outcome.candidate.path.relative_to(folder.absolute())
        aside = counts.pages_quarantined + counts.words_quarantined
        rows.append((name, target, outcome.state, counts.pages_out, counts.words_out, aside, because))
    print_table(f"adopted into {workspace.root}", _COLUMNS, rows)
    if unknown:
        left = [(row.path.relative_to(folder.absolute()), row.files, row.reason) for row in unknown]
        print_table("left alone", ("file", "files", "because"), left)
    if not outcomes:
        raise PipelineError(
            "nothing here is finished work of the guide's steps 2 to 4",
            where=folder,
            remedy="Give the folder above `json_merged`, `lookup_*.pkl.gz` and `*_annotations_*`.",
        )
    if any(outcome.state == "refused" for outcome in outcomes):
        sys.exit(1)
