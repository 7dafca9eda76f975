"""How many pages and words the sets are known to hold, to compare what came in with.

Numbers as published on the pages of the sets and as counted on complete copies of them; approximate ones have a wider
tolerance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ocr_pipeline.data.quality.record import CountState, PublishedCount
from ocr_pipeline.storage.artifacts.quarantine import Counts

CLEARLY_A_SAMPLE = 0.5


class Known(NamedTuple):
    """A known number of pages (and words) of some partitions together; the tolerance is relative."""

    partitions: tuple[str, ...]
    pages: int
    words: int | None = None
    tolerance: float = 0.005


KNOWN = (
    Known(("text_in_wild",), 100_000, tolerance=0.05),
    Known(("public_admin_train",), 102_477),
    Known(("public_admin_valid",), 11_397, 1_339_230),
    Known(("ocr_public_train",), 489_681),
    Known(("ocr_public_valid",), 64_228),
    Known(("finance_logistics_train", "finance_logistics_valid"), 50_000 + 107_919),
    Known(("handwriting_train",), 96_019),
    Known(("handwriting_valid",), 10_500),
)


def known_of(partition: str) -> Known | None:
    """The number that a partition counts towards."""
    return next((known for known in KNOWN if partition in known.partitions), None)


def compare_counts(partition: str, counts: Mapping[str, Counts]) -> Iterator[PublishedCount]:
    """What came in beside what is known.

    Args:
        counts: of the merged JSON of the published partitions of the set, by partition.
    """
    known = known_of(partition)
    if known is None:
        yield PublishedCount("pages", counts[partition].pages_in, None, "unknown")
        return
    found = [counts[key] for key in known.partitions if key in counts]
    together = f" of {' and '.join(known.partitions)}" if len(known.partitions) > 1 else ""
    pages = sum(each.pages_in for each in found)
    yield PublishedCount(f"pages{together}", pages, known.pages, _state(pages, known.pages, known.tolerance))
    if known.words:
        words = sum(each.words_in for each in found)
        yield PublishedCount(f"words{together}", words, known.words, _state(words, known.words, known.tolerance))


def _state(found: int, published: int, tolerance: float) -> CountState:
    if abs(found - published) <= tolerance * published:
        return "matches"
    return "sample" if found < CLEARLY_A_SAMPLE * published else "differs"
