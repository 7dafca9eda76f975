"""``forget``: a page that must go, as a person's handwriting on request."""

from __future__ import annotations

import getpass
from datetime import datetime, timezone

import click

from ocr_pipeline.cli.lineage import print_holders, tell_untold
from ocr_pipeline.cli.options import demand_output, output_option
from ocr_pipeline.cli.output import say
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.data.corrections import Correction
from ocr_pipeline.release.forgetting import FoundPage, all_forgotten, pages_meant
from ocr_pipeline.release.forgetting import forget as mark
from ocr_pipeline.release.lineage import held_by
from ocr_pipeline.storage.artifacts.lineage_parquet import Pages, Wanted
from ocr_pipeline.storage.artifacts.workspace import Workspace

_MARKS = ("partition", "label file", "picture", "when", "who", "why", "name")
_SHOWN = 20
_NEXT = """What is made from now on is without it. Until then it is in what the table names:
  data: `ocr-pipeline backfill` makes anew what it touches (and the lookup, shards and quality report with it)
  suspects, judgement: `ocr-pipeline suspects` and the asset judgement make them anew
  kept versions of data: `ocr-pipeline gc`
  checkpoints: weights do not forget; train and promote anew, then remove the ones that the table names,
    and the folders of the trainings, which hold pictures of crops as well
  elsewhere: the share itself, exports, students and copies that left the output folder are not known here"""


@click.command()
@click.option("--image", default="", help="The picture's name.")
@click.option("--label", default="", help="Its label file, where several pictures have that name.")
@click.option("--all", "every", is_flag=True, help="All pages that are meant, be they several.")
@click.option("--who", default=getpass.getuser, show_default="the user", help="Is kept with the mark.")
@click.option("--why", default="", help="Is kept with the mark: the request, never what stands on the page.")
@click.option("--dry_run", is_flag=True, help="Say what holds it, and mark nothing.")
@output_option
def forget(workspace: Workspace, image: str, label: str, every: bool, who: str, why: str, dry_run: bool) -> None:
    """Keep a page out of all that is made from now on, and say what still holds it; without a name: all such pages.

    `ocr-pipeline review undo` takes a mark back, by the name that this command lists.
    """
    demand_output(workspace)
    if not image and not label:
        _list(workspace)
        return
    wanted = Wanted(label, image)
    tell_untold(workspace)
    pages = pages_meant(workspace, wanted)
    print_holders(f"{image or label} in {workspace.root}", held_by(workspace, wanted))
    if dry_run:
        return
    _demand_one(pages, every)
    marked = mark(workspace, pages, who, why, datetime.now(timezone.utc))
    say(f"Marked: {marked:,} of {len(pages):,} pages" + (", the others were before." if marked < len(pages) else "."))
    for line in _NEXT.split("\n"):
        say(line)


def _demand_one(pages: list[FoundPage], every: bool) -> None:
    if len(pages) > 1 and not every:
        print_table(f"{len(pages):,} pages are meant, among them", FoundPage._fields, pages[:_SHOWN])
        raise click.UsageError("Name the label file as well (--label), or say --all.")


def _list(workspace: Workspace) -> None:
    marks = list(all_forgotten(workspace))
    print_table(f"To be forgotten in {workspace.root}", _MARKS, (_cells(key, row) for key, row in marks))
    pages = [(row.label, row.image) for _, row in marks]
    found = list(held_by(workspace, Pages(frozenset(pages)))) if pages else []
    for page in pages:
        own = ((holder, [trace for trace in traces if (trace.label, trace.image) == page]) for holder, traces in found)
        print_holders(page[1], own)
    if marks:
        tell_untold(workspace)


def _cells(partition: str, mark: Correction) -> tuple[str, ...]:
    when = f"{mark.when:%Y-%m-%d %H:%M}"
    return partition, mark.label, mark.image, when, mark.who, mark.note, mark.review
