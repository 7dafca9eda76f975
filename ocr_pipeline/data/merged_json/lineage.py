"""Which pages a merged JSON holds, each with the corrections that were applied to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ocr_pipeline.data.corrections import Corrections
from ocr_pipeline.page import Page, Quarantined, raw_record
from ocr_pipeline.storage.artifacts.lineage import Trace


def traces_of(
    pages: Iterable[Page], corrections: Corrections, quarantined: Iterable[Quarantined] = ()
) -> Iterator[Trace]:
    """The trace of each page.

    Args:
        quarantined: what was set aside of them, among it the corrections that no longer held.
    """
    stale = {record.raw for record in quarantined if record.unit == "correction"} if corrections else frozenset[str]()
    for page in pages:
        rows = corrections.by_label.get(page.label, ())
        told = (raw_record(row) for row in rows if row.image == page.image and row.action != "keep")
        applied = tuple(raw for raw in told if raw not in stale)
        yield Trace(page.label, page.image, page.dataset, page.split, len(page.words), applied)
