"""Which pages have a picture, and which pictures have a label."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.lookup.copies import LabelCopy
from ocr_pipeline.data.lookup.names import Lookup, label_copy
from ocr_pipeline.page import Page, Quarantined
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.files.pictures import tail_is_whole
from ocr_pipeline.storage.source.share import DamagedError, Entry, Listing, Share

_TAIL = 256
_WITH_END_MARK = (".jpg", ".jpeg", ".png")


@dataclass
class Matching:
    """What is known of pages and pictures so far.

    Attributes:
        matched: path of each page's picture -> hash of the page's words.
        further: the same of further pages of one picture.
        copies: pages that say of their picture what an earlier page says.
    """

    lookup: Lookup
    counts: Counts
    matched: dict[str, int] = field(default_factory=dict)
    further: set[tuple[str, int]] = field(default_factory=set)
    copies: list[LabelCopy] = field(default_factory=list)


def match_pages(matching: Matching, pages: Iterable[Page]) -> Iterator[Quarantined]:
    """Set aside the pages without a picture, and those that only repeat another; match the others.

    A picture may have several labels with different words: all are kept, and the further ones noted.
    """
    counts = matching.counts
    for page in pages:
        counts.pages_in += 1
        counts.words_in += len(page.words)
        found = matching.lookup.find(page)
        if isinstance(found, str):
            found = _match(matching, page, found)
        if isinstance(found, Quarantined):
            yield found
        else:
            counts.pages_out += 1
            counts.words_out += len(page.words)


def _match(matching: Matching, page: Page, path: str) -> str | Quarantined:
    words = hash(page.words)
    if path not in matching.matched:
        matching.matched[path] = words
        return path
    if matching.matched[path] == words or (path, words) in matching.further:
        matching.copies.append((page.label, page.image))
        return label_copy(page)
    matching.further.add((path, words))
    matching.counts.note("second_label")
    return path


def pictures_without_label(
    matching: Matching, share: Share, folders: Iterable[Listing], partition: SourcePartition
) -> Iterator[Quarantined]:
    """Set aside the pictures that no label names; of each JPEG or PNG, the last bytes tell whether it is whole."""
    unmatched = (
        picture
        for folder in folders
        for picture in folder.entries()
        if share.full_path(picture.path) not in matching.matched
    )
    for picture, fault in share.ahead(partial(_with_fault, share), unmatched):
        record = Quarantined(
            "page",
            "image_unreadable" if fault else "label_missing",
            partition.dataset.name,
            partition.split or "",
            image=picture.shown,
            detail=f"{fault}, and no label names it" if fault else "no label names this picture",
        )
        matching.counts.pages_in += 1
        yield record


def _with_fault(share: Share, picture: Entry) -> tuple[Entry, str]:
    """The picture, and why it cannot be read, as far as that is cheap to tell."""
    if picture.fault or not picture.name.lower().endswith(_WITH_END_MARK):
        return picture, picture.fault
    try:
        tail = share.read_tail(picture, _TAIL)
    except DamagedError as error:
        return picture, str(error)
    except FileNotFoundError:
        return picture, "the picture vanished"
    return picture, "" if tail_is_whole(tail) else "the picture is truncated"
