"""What was set aside and why: counted, filtered, shown, or handed on as CSV or JSON lines."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import click
import msgspec

from ocr_pipeline.cli.options import dataset_option, demand_output, output_option, partition_option
from ocr_pipeline.cli.output import say
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.quarantine_reasons import REASONS
from ocr_pipeline.page import Quarantined
from ocr_pipeline.shown import write_csv
from ocr_pipeline.storage.artifacts.depot import depot_of
from ocr_pipeline.storage.artifacts.manifest import known_manifest, quarantine_path
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.stages import STAGES
from ocr_pipeline.storage.artifacts.workspace import Workspace

_STAGES = [stage.name for stage in STAGES.values() if stage.sets_aside]
_SHOWN = 20
_FIELDS = ("dataset", "split", "label", "image", "word", "unit", "reason", "detail", "words", "raw")

Row = tuple[str, str, Quarantined]
"""Stage, partition, record."""


@dataclass(frozen=True)
class RecordFilter:
    """Which records to take; an empty choice takes all."""

    stages: Sequence[str]
    reasons: Sequence[str]
    datasets: Sequence[str]

    def __contains__(self, record: Quarantined) -> bool:
        return (not self.reasons or record.reason in self.reasons) and (
            not self.datasets or record.dataset in self.datasets
        )


@click.command()
@output_option
@partition_option
@click.option("--stage", "stages", multiple=True, type=click.Choice(_STAGES), help="Stage; may be repeated.")
@click.option(
    "--reason",
    "reasons",
    multiple=True,
    type=click.Choice(list(REASONS)),
    metavar="REASON",
    help="Reason, such as image_missing, and what to do about it; may be repeated.",
)
@dataset_option
@click.option("--limit", type=click.IntRange(0), help=f"Records to show.  [default: {_SHOWN}; all with --csv, --json]")
@click.option("--csv", "form", flag_value="csv", help="All records to standard output, as CSV.")
@click.option("--json", "form", flag_value="json", help="All records to standard output, one JSON object per line.")
def quarantine(
    workspace: Workspace,
    partitions: list[SourcePartition],
    stages: Sequence[str],
    reasons: Sequence[str],
    datasets: Sequence[str],
    limit: int | None,
    form: str | None,
) -> None:
    """What was set aside: counted by stage, partition and reason, then record by record."""
    demand_output(workspace)
    rows = quarantined_rows(workspace, partitions, RecordFilter(stages, reasons, datasets))
    if form:
        _write(form, islice(rows, limit))
        return
    counts, first = _count(rows, _SHOWN if limit is None else limit)
    if not counts:
        say(
            "No records: nothing of the kind was set aside."
            if _is_published(workspace, partitions)
            else "No records: nothing of these partitions is published here."
        )
        return
    title = f"Set aside in {workspace.root}"
    print_table(title, ("stage", "partition", "reason", "records", "words of pages"), counts)
    if first:
        shown = f"The first {len(first):,} of {sum(row[3] for row in counts):,} records"
        print_table(shown, ("stage", "reason", "label", "picture", "word", "detail"), map(_cells, first))
    for reason in reasons:
        say(f"{reason}: {REASONS[reason].meaning} {REASONS[reason].remedy}")


def quarantined_rows(
    workspace: Workspace, partitions: Iterable[SourcePartition], wanted: RecordFilter
) -> Iterator[Row]:
    """The wanted records of all published artifacts, as a stream; what both crop formats set aside comes once."""
    for partition in partitions:
        for stage in wanted.stages or _STAGES:
            published = list(filter(known_manifest, STAGES[stage].artifacts(workspace, [partition])))
            records = chain.from_iterable(map(_records, published))
            for record in _once(records) if len(published) > 1 else records:
                if record in wanted:
                    yield stage, partition.key, record


def _is_published(workspace: Workspace, partitions: Iterable[SourcePartition]) -> bool:
    return any(
        map(known_manifest, chain.from_iterable(STAGES[name].artifacts(workspace, partitions) for name in _STAGES))
    )


def _records(artifact: Path) -> Iterator[Quarantined]:
    path = quarantine_path(artifact)
    if depot := depot_of(path):
        depot.fetch_file(path)
    return read_quarantine(path)


def _once(records: Iterable[Quarantined]) -> Iterator[Quarantined]:
    seen: set[int] = set()
    for record in records:
        if (known := hash(record)) not in seen:
            seen.add(known)
            yield record


def _count(rows: Iterable[Row], keep: int) -> tuple[list[tuple[str, str, str, int, int]], list[Row]]:
    """Records and words by stage, partition and reason, and the first records; memory does not grow with the rows."""
    records: Counter[tuple[str, str, str]] = Counter()
    words: Counter[tuple[str, str, str]] = Counter()
    first: list[Row] = []
    for row in rows:
        stage, partition, record = row
        key = stage, partition, f"{record.unit} {record.reason}"
        records[key] += 1
        words[key] += record.words
        if len(first) < keep:
            first.append(row)
    return [(*key, count, words[key]) for key, count in records.items()], first


def _cells(row: Row) -> tuple[str, ...]:
    stage, _, record = row
    word = "" if record.word is None else str(record.word)
    return stage, record.reason, record.label, record.image, word, record.detail


def _write(form: str, rows: Iterable[Row]) -> None:
    if form == "json":
        for stage, partition, record in rows:
            line = {"stage": stage, "partition": partition, **msgspec.structs.asdict(record)}
            click.echo(msgspec.json.encode(line))
        return
    cells = ((stage, partition, *(getattr(record, name) for name in _FIELDS)) for stage, partition, record in rows)
    write_csv(sys.stdout, chain([("stage", "partition", *_FIELDS)], cells))
