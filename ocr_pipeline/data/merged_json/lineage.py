"""Which pages a merged JSON holds, each with the corrections that were applied to it."""

from __future__ import annotations

from collections.abc import Iterable

from ocr_pipeline.data.corrections import Corrections
from ocr_pipeline.data.merged_json.format import PageHead, read_heads
from ocr_pipeline.page import Page, Quarantined, raw_record
from ocr_pipeline.storage.artifacts.lineage import Trace
from ocr_pipeline.storage.artifacts.publication import Publication


def trace_document(made: Publication, corrections: Corrections, quarantined: Iterable[Quarantined]) -> None:
    """Keep which pages the published document holds.

    Args:
        quarantined: what was set aside, among it the corrections that no longer held.
    """
    stale = frozenset(record.raw for record in quarantined if record.unit == "correction") if corrections else ()
    for page in read_heads(made.artifact):
        made.trace(trace_of(page, applied_to(page, corrections, stale)))


def applied_to(page: PageHead | Page, corrections: Corrections, stale: Iterable[str]) -> tuple[str, ...]:
    """The corrections that were applied to a page, as JSON."""
    rows = (row for row in corrections.by_label.get(page.label, ()) if row.image == page.image and row.action != "keep")
    return tuple(raw for raw in map(raw_record, rows) if raw not in stale)


def trace_of(page: PageHead | Page, corrections: tuple[str, ...] = ()) -> Trace:
    return Trace(page.label, page.image, page.dataset, page.split, len(page.words), corrections)
