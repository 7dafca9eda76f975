"""``lineage``: from a checkpoint to its label files, and from a label file or picture to all that learnt from it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import click
import msgspec

from ocr_pipeline.cli.options import demand_output, output_option, together
from ocr_pipeline.cli.output import say
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.release.lineage import Holder, held_by, holder_of, learners_of, still_there, untold
from ocr_pipeline.release.versions import data_again
from ocr_pipeline.shown import write_csv
from ocr_pipeline.storage.artifacts.lineage import Trace
from ocr_pipeline.storage.artifacts.lineage_parquet import Wanted, read_learnt_from, read_traces
from ocr_pipeline.storage.artifacts.workspace import Workspace

_SHOWN = 20
_HOLDERS = ("held by", "stage", "version", "made", "state", "as", "pages", "words", "corrections")
_HELD = ("held_by", "stage", "version_of_it", "made", "state")
_DATA = ("data", "as", "version", "made", "from", "state")
_PAGES = ("label file", "picture", "data", "version", "as", "words", "corrections")

Row = tuple[Holder, Trace]


@click.command()
@click.option("--checkpoint", default="", help="A checkpoint or champion: its file, asset (fast_champion) or version.")
@click.option("--artifact", default="", help="A data artifact: its file, or its version.")
@click.option("--label", default="", help="A label file: its path on the share, or how that ends.")
@click.option("--image", default="", help="A picture, by its name.")
@click.option(
    "--data_to",
    type=click.Path(file_okay=False, path_type=Path),
    help="A new folder for the data that the checkpoint learnt from, as it was then.",
)
@output_option
@click.option("--csv", "form", flag_value="csv", help="All pages to standard output, as CSV.")
@click.option("--json", "form", flag_value="json", help="All pages to standard output, one JSON object per line.")
@together("asked", "checkpoint", "artifact", "label", "image")
def lineage(workspace: Workspace, asked: dict[str, str], data_to: Path | None, form: str | None) -> None:
    """From a checkpoint to every label file it learnt from; from a label file or picture to all that holds it.

    Each artifact and checkpoint keeps which pages it holds or learnt from, so it is told of what was overwritten, too.
    """
    demand_output(workspace)
    wanted, named = Wanted(asked["label"], asked["image"]), [asked["checkpoint"], asked["artifact"]]
    if sum(map(bool, (*named, wanted.label or wanted.image))) != 1:
        raise click.UsageError("Give one of --checkpoint, --artifact, or --label and --image.")
    if data_to and not asked["checkpoint"]:
        raise click.UsageError("--data_to goes with --checkpoint.")
    if not any(named):
        _of_pages(workspace, wanted, form)
        return
    holder = holder_of(workspace, *filter(None, named))
    _of_holder(workspace, holder, form)
    if data_to:
        for path in data_again(workspace, read_learnt_from(holder.lineage), data_to):
            say(f"{path} is as it was learnt from", err=True)


def _of_pages(workspace: Workspace, wanted: Wanted, form: str | None) -> None:
    found = held_by(workspace, wanted)
    if form:
        _write(form, ((holder, trace) for holder, traces in found for trace in traces))
    else:
        print_holders(f"{wanted.image or wanted.label} in {workspace.root}", found)
    tell_untold(workspace)


def tell_untold(workspace: Workspace) -> None:
    """Name what may hold any page."""
    if names := ", ".join(untold(workspace)):
        say(f"It may be in these as well, whose pages are not all known (--rebuild makes them tell): {names}", err=True)


def print_holders(pages: str, found: Iterable[tuple[Holder, list[Trace]]]) -> None:
    """A table of what some pages went into, by the name that they were asked for."""
    rows = list(chain.from_iterable(_holder_rows(holder, traces) for holder, traces in found))
    if rows:
        print_table(f"What holds {pages}", _HOLDERS, rows)
    else:
        say(f"Nothing that has a lineage holds {pages}.")


def _holder_rows(holder: Holder, traces: list[Trace]) -> Iterator[tuple[object, ...]]:
    for role in sorted({trace.role for trace in traces}):
        own = [trace for trace in traces if trace.role == role]
        counts = (len(own), sum(trace.words for trace in own), sum(len(trace.corrections) for trace in own))
        yield (*holder[1:], _role(holder, role), *counts)


def _role(holder: Holder, role: str) -> str:
    return "data" if holder.is_data else role or "training" * bool(holder.stage)


def _of_holder(workspace: Workspace, holder: Holder, form: str | None) -> None:
    rows = ((holder, trace) for trace in read_traces(holder.lineage))
    if form:
        _write(form, rows)
        return
    title = f"{holder.name} ({holder.stage} {holder.version}, {holder.made}, {holder.state})"
    if holder.is_data:
        learners = [(*one[1:], data.role or "training") for one, data in learners_of(workspace, holder)]
        print_table(f"{title}: learnt from it have", _HOLDERS[:6], learners)
    else:
        print_table(f"{title} learnt from", _DATA, _data_rows(workspace, holder))
    _print_pages(rows)


def _data_rows(workspace: Workspace, holder: Holder) -> Iterator[tuple[object, ...]]:
    for data, state in still_there(workspace, read_learnt_from(holder.lineage)):
        inputs = ", ".join(f"{name} {fingerprint}" for name, fingerprint in data.inputs.items())
        told = state if data.traced else f"{state}; its pages are not known"
        yield data.artifact, data.role or "training", data.version, data.made, inputs, told


def _print_pages(rows: Iterator[Row]) -> None:
    first = list(islice(rows, _SHOWN))
    count = len(first) + sum(1 for _ in rows)
    cells = [(t.label, t.image, t.artifact, t.version, _role(h, t.role), t.words, len(t.corrections)) for h, t in first]
    if cells:
        print_table(f"The first {len(cells):,} of {count:,} pages (all of them: --csv or --json)", _PAGES, cells)


def _write(form: str, rows: Iterable[Row]) -> None:
    named = (dict(zip(_HELD, holder[1:], strict=True)) | msgspec.structs.asdict(trace) for holder, trace in rows)
    if form == "json":
        for line in named:
            click.echo(msgspec.json.encode(line))
        return
    plain = ({**line, "corrections": " ".join(line["corrections"])} for line in named)
    write_csv(sys.stdout, chain([(*_HELD, *Trace.__struct_fields__)], (line.values() for line in plain)))
