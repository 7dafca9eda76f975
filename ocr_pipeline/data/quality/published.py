"""What came in of a set beside what it is known to hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ocr_pipeline.data.datasets import KnownCount, SourcePartition
from ocr_pipeline.data.quality.record import CountState, PublishedCount
from ocr_pipeline.storage.artifacts.quarantine import Counts

CLEARLY_A_SAMPLE = 0.5


def compare_counts(partition: SourcePartition, counts: Mapping[str, Counts]) -> Iterator[PublishedCount]:
    """What came in beside what is known.

    Args:
        counts: of the merged JSON of the published partitions of the set, by partition.
    """
    known = _known_count(partition)
    if known is None:
        yield PublishedCount("pages", counts[partition.key].pages_in, None, "unknown")
        return
    counted = [each.key for each in partition.dataset.partitions if _counts_towards(known, each)]
    found = [counts[key] for key in counted if key in counts]
    together = f" of {' and '.join(counted)}" if len(counted) > 1 else ""
    pages = sum(each.pages_in for each in found)
    yield PublishedCount(f"pages{together}", pages, known.pages, _state(pages, known.pages, known.tolerance))
    if known.words:
        words = sum(each.words_in for each in found)
        yield PublishedCount(f"words{together}", words, known.words, _state(words, known.words, known.tolerance))


def _known_count(partition: SourcePartition) -> KnownCount | None:
    return next((known for known in partition.dataset.known_counts if _counts_towards(known, partition)), None)


def _counts_towards(known: KnownCount, partition: SourcePartition) -> bool:
    return partition.split in known.splits or not partition.split


def _state(found: int, published: int, tolerance: float) -> CountState:
    if abs(found - published) <= tolerance * published:
        return "matches"
    return "sample" if found < CLEARLY_A_SAMPLE * published else "differs"
