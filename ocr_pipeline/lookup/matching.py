"""Which pages have a picture, and which pictures have a label."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ocr_pipeline.datasets import SourcePartition
from ocr_pipeline.lookup.names import Lookup
from ocr_pipeline.page import Page
from ocr_pipeline.storage.pictures import tail_is_whole
from ocr_pipeline.storage.quarantine import Counts, Quarantined
from ocr_pipeline.storage.share import Entry, Share

_TAIL = 256
_WITH_END_MARK = (".jpg", ".jpeg", ".png")


def match_pages(counts: Counts, lookup: Lookup, pages: Iterable[Page], matched: set[str]) -> Iterator[Quarantined]:
    """Set aside the pages without a picture; the paths of the others are added to ``matched``."""
    for page in pages:
        counts.pages_in += 1
        counts.words_in += len(page.words)
        found = lookup.find(page)
        if isinstance(found, Quarantined):
            counts.set_aside(found)
            yield found
        else:
            matched.add(found)
            counts.pages_out += 1
            counts.words_out += len(page.words)


def pictures_without_label(
    counts: Counts, share: Share, pictures: Iterable[Entry], matched: set[str], partition: SourcePartition
) -> Iterator[Quarantined]:
    """Set aside the pictures that no label names; of each JPEG or PNG, the last bytes tell whether it is whole."""
    for picture in pictures:
        if share.full_path(picture.path) in matched:
            continue
        whole = not picture.name.lower().endswith(_WITH_END_MARK) or tail_is_whole(share.read_tail(picture, _TAIL))
        record = Quarantined(
            "page",
            "label_missing" if whole else "image_unreadable",
            partition.dataset.name,
            partition.split or "",
            image=picture.shown,
            detail="no label names this picture" if whole else "the picture is truncated, and no label names it",
        )
        counts.pages_in += 1
        counts.set_aside(record)
        yield record
