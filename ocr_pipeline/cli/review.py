"""The mirror of the labels: what a person said of them, taken over, listed and taken back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any

import click

from ocr_pipeline.cli.groups import GuessingGroup
from ocr_pipeline.cli.options import output_option, partition_option, source_option, stacked, together
from ocr_pipeline.cli.output import say
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.data.datasets import SourcePartition, source_partition
from ocr_pipeline.data.review import (
    FORMS,
    KINDS,
    Exported,
    LogLine,
    Pictures,
    Suspect,
    export_suspects,
    import_review,
    read_review,
    read_suspects,
    reader_names,
    review_log,
    undo_review,
    write_page,
)
from ocr_pipeline.data.synthetic import source_of
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.shown import write_csv
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

_COLUMNS = ("partition", "when", "who", "review", "page", "word", "kind", "action", "before", "after", "state")


_choice_options = stacked(
    together("chosen", "most", "kinds"),
    click.option("--most", type=click.IntRange(1), default=5000, show_default=True, help="The likeliest errors only."),
    click.option("--kind", "kinds", multiple=True, type=click.Choice(list(KINDS)), help="Only these kinds."),
)


def _one_partition(_: click.Context, __: click.Parameter, name: str) -> list[SourcePartition]:
    return [source_partition(name)]


def _suspects(workspace: Workspace, partition: SourcePartition, most: int, kinds: Sequence[str]) -> list[Suspect]:
    """The likeliest errors of a partition, of some kinds or of all."""
    found = read_suspects(workspace.suspects(partition.key))
    return list(islice((each for each in found if not kinds or each.kind in kinds), most))


@click.group(cls=GuessingGroup)
def review() -> None:
    """Suspicious labels: look at them, mend them, and take back what was mended."""


@review.command("page")
@click.argument("partitions", metavar="PARTITION", is_eager=True, callback=_one_partition)
@source_option
@output_option
@click.option("--to", "path", type=click.Path(dir_okay=False, path_type=Path), help="The file; default: here, by name.")
@_choice_options
def page_command(
    share: Share | None,
    workspace: Workspace,
    partitions: list[SourcePartition],
    path: Path | None,
    chosen: dict[str, Any],
) -> None:
    """One HTML file in which a person looks at suspects and decides, key by key: without a server or a network.

    What is decided is remembered by the browser; the key S saves a file that `review import` takes.
    """
    (partition,) = partitions
    suspects = _suspects(workspace, partition, **chosen)
    target = path or Path(f"{partition.key}_review.html")
    pictures = Pictures(source_of(partition, share, workspace))
    write_page(target, partition.key, suspects, reader_names(workspace.suspects(partition.key)), pictures)
    say(f"{len(suspects):,} suspects of {partition.key} -> {target}: open it in a browser")


@review.command("export")
@click.argument("partitions", metavar="PARTITION", is_eager=True, callback=_one_partition)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--to", "form", type=click.Choice(list(FORMS)), required=True, help="For which program.")
@source_option
@output_option
@_choice_options
def export_command(
    share: Share | None,
    workspace: Workspace,
    partitions: list[SourcePartition],
    folder: Path,
    form: str,
    chosen: dict[str, Any],
) -> None:
    """Suspects for another program, one crop each, in a new FOLDER; `review import FOLDER` takes the decisions back.

    Of Label Studio save the JSON export into FOLDER, and import that file.
    """
    (partition,) = partitions
    exported = Exported.of(partition.key, folder, _suspects(workspace, partition, **chosen))
    _demand_new(folder)
    export_suspects(folder, form, exported, Pictures(source_of(partition, share, workspace)))
    say(f"{len(exported.suspects):,} suspects of {partition.key} -> {folder} ({form})")


def _demand_new(folder: Path) -> None:
    """Decisions may stand in a folder that is there.

    Raises:
        PipelineError: it is there.
    """
    if folder.exists():
        raise PipelineError(
            "the folder is there already, perhaps with decisions", where=folder, remedy="Name one that is not there."
        )


@review.command("import")
@output_option
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def import_command(workspace: Workspace, files: Sequence[Path]) -> None:
    """Take over what was decided: a file that the review page saved, or what `review export` made, as it came back.

    merged_json applies it from its next run on.

    The exit code is 1 when something in a file cannot be matched; it is named, and all else is taken over.
    """
    imported = [import_review(workspace, read_review(file)) for file in files]
    columns = (
        "partition",
        "decisions",
        "new",
        "known already",
        "taken up again",
        "not matched",
        "held before",
        "hold now",
    )
    rows = [(i.partition, i.said, i.new, i.known, i.taken_up, len(i.unmatched), i.before, i.after) for i in imported]
    print_table(f"Corrections in {workspace.root / 'corrections'}", columns, rows)
    for line in (line for one in imported for line in one.unmatched):
        say(f"not matched: {line}", err=True)
    if any(one.unmatched for one in imported):
        sys.exit(1)
    say("They count from the next run on: `ocr-pipeline backfill` makes anew what they touch.")


@review.command("log")
@output_option
@partition_option
@click.option("--csv", "as_csv", is_flag=True, help="As CSV to standard output.")
def log_command(workspace: Workspace, partitions: list[SourcePartition], as_csv: bool) -> None:
    """What was changed: when, by whom, in which review, and whether it still holds."""
    rows = [_cells(line) for line in review_log(workspace, [partition.key for partition in partitions])]
    if as_csv:
        write_csv(sys.stdout, [_COLUMNS, *rows])
    else:
        print_table(f"Corrections in {workspace.root / 'corrections'}", _COLUMNS, rows)


@review.command("undo")
@output_option
@partition_option
@click.argument("review_name", metavar="REVIEW")
def undo_command(workspace: Workspace, partitions: list[SourcePartition], review_name: str) -> None:
    """Take a whole review back; importing its file again brings it back."""
    keys = [partition.key for partition in partitions]
    undone = undo_review(workspace, keys, review_name, datetime.now(timezone.utc))
    for partition, count in undone.items():
        say(f"{partition}: {count:,} corrections are undone")
    if not undone:
        say(f"nothing of {review_name} held any more")


def _cells(line: LogLine) -> tuple[str, ...]:
    row = line.correction
    when = row.when.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    what = (row.image, str(row.word), row.why, row.action, row.before, row.after)
    return (line.partition, when, row.who, row.review, *what, line.state)
