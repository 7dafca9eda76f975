"""Which pages have a picture, and which pictures have a label."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.lookup.names import Lookup, label_copy, mirrors, not_its_picture
from ocr_pipeline.data.lookup.refused import RefusedPage
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
        below_root: gives a picture's path below the share's root.
        matched: path of each page's picture -> hash of the page's words.
        first: the same path -> hash of that page's label and image.
        strangers: the same path -> what is to be said of that page if a label turns up in whose folder's mirror the
            picture lies, as it does not in its own.
        further: the pages of a picture after its first.
        refused: pages that are set aside although a picture of their name is there.
    """

    lookup: Lookup
    counts: Counts
    below_root: Callable[[str], str]
    matched: dict[str, int] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    strangers: dict[str, Quarantined] = field(default_factory=dict)
    further: dict[str, list[_Further]] = field(default_factory=dict)
    refused: list[RefusedPage] = field(default_factory=list)


class _Further(NamedTuple):
    """A further page of a picture: hashes of its label and image, and of its words."""

    page: int
    words: int


def match_pages(matching: Matching, pages: Iterable[Page]) -> Iterator[Quarantined]:
    """The pages without a picture, and those that only repeat another; the others are matched and counted.

    A picture may have several labels with different words: all are kept, and the further ones noted, unless one of two
    lies where the picture does and the other elsewhere: then the picture of the other is missing.
    """
    counts = matching.counts
    for page in pages:
        counts.pages_in += 1
        counts.words_in += len(page.words)
        found = matching.lookup.find(page)
        if isinstance(found, str):
            yield from _match(matching, page, found)
        else:
            yield found


def _match(matching: Matching, page: Page, path: str) -> Iterator[Quarantined]:
    is_mirrored = mirrors(page.label, matching.below_root(path))
    if path not in matching.matched:
        _take(matching, page, path, is_mirrored)
        return
    key, words = hash((page.label, page.image)), hash(page.words)
    further = matching.further.setdefault(path, [])
    number = (matching.first[path] == key) + sum(each.page == key for each in further)
    stranger = matching.strangers.get(path)
    if words == matching.matched[path] or any(each.words == words for each in further):
        matching.refused.append(RefusedPage(page.label, page.image, number))
        yield label_copy(page)
    elif is_mirrored and stranger:
        matching.refused.append(RefusedPage(stranger.label, stranger.image, reason="image_missing"))
        matching.counts.pages_out -= 1
        matching.counts.words_out -= stranger.words
        yield stranger
        del matching.strangers[path]
        _take(matching, page, path, is_mirrored)
        return
    elif not is_mirrored and not stranger:
        matching.refused.append(RefusedPage(page.label, page.image, number, "image_missing"))
        yield not_its_picture(page)
    else:
        matching.counts.note("second_label")
        matching.counts.pages_out += 1
        matching.counts.words_out += len(page.words)
    further.append(_Further(key, words))


def _take(matching: Matching, page: Page, path: str, is_mirrored: bool) -> None:
    """The page is the first of its picture."""
    matching.matched[path], matching.first[path] = hash(page.words), hash((page.label, page.image))
    if not is_mirrored:
        matching.strangers[path] = not_its_picture(page)
    matching.counts.pages_out += 1
    matching.counts.words_out += len(page.words)


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
