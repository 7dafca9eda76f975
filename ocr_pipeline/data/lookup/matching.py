"""Which pages have a picture, and which pictures have a label."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.lookup.mapped import MappedPaths
from ocr_pipeline.data.lookup.names import Lookup, label_copy, mirrors, not_its_picture
from ocr_pipeline.data.lookup.refused import RefusedPage
from ocr_pipeline.errors import tell_unexpected
from ocr_pipeline.page import Page, Quarantined, what_was_unexpected
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.files.pictures import tail_is_whole
from ocr_pipeline.storage.source.share import DamagedError, Entry, Listing, Share

_TAIL = 256
_WITH_END_MARK = (".jpg", ".jpeg", ".png")


class Matching:
    """What is known of pages and pictures so far: 32 bytes for each picture, by its number in the listing.

    Attributes:
        refused: pages that are set aside although a picture of their name is there.
        strangers: places of pages in the document that turned out to have another's picture; see `strangers`.
    """

    def __init__(self, paths: MappedPaths, pictures: int, counts: Counts, below_root: Callable[[str], str]) -> None:
        self.paths, self.counts, self.below_root = paths, counts, below_root
        self.lookup = Lookup(paths)
        self.first = np.zeros(pictures, _FIRST)
        self.further: dict[int, list[_Further]] = {}
        self.refused: list[RefusedPage] = []
        self.strangers: set[int] = set()

    def number(self, path: str) -> int:
        """That of the picture at a path."""
        picture = self.paths.picture(path)
        assert picture is not None  # the lookup gave the path
        return picture.number


_FIRST = np.dtype([("is_there", "?"), ("is_mirrored", "?"), ("words", "<i8"), ("page", "<i8"), ("place", "<u8"),
                   ("count", "<u4")])  # fmt: skip
"""The first page of a picture: whether it lies where the picture does; hashes of its words, and of its label and image;
its place in the document, and how many words it has."""


class _Further(NamedTuple):
    """A further page of a picture: hashes of its label and image, and of its words."""

    page: int
    words: int


def match_pages(matching: Matching, pages: Iterable[Page]) -> Iterator[Quarantined]:
    """The pages without a picture, and those that only repeat another; the others are matched and counted.

    A picture may have several labels with different words: all are kept, and the further ones noted, unless one of two
    lies where the picture does and the other elsewhere: then the picture of the other is missing (see `strangers`).
    """
    counts = matching.counts
    for place, page in enumerate(pages):
        counts.pages_in += 1
        counts.words_in += len(page.words)
        found = matching.lookup.find(page)
        if isinstance(found, str):
            yield from _match(matching, place, page, found)
        else:
            yield found


def strangers(matching: Matching, pages: Iterable[Page]) -> Iterator[Quarantined]:
    """Those of the same pages whose picture another label proved to be its own."""
    for place, page in enumerate(pages) if matching.strangers else ():
        if place in matching.strangers:
            matching.refused.append(RefusedPage(page.label, page.image, reason="image_missing"))
            yield not_its_picture(page)


def _match(matching: Matching, place: int, page: Page, path: str) -> Iterator[Quarantined]:
    is_mirrored, number = mirrors(page.label, matching.below_root(path)), matching.number(path)
    first = matching.first[number]
    if not first["is_there"]:
        _take(matching, place, page, number, is_mirrored)
        return
    key, words = hash((page.label, page.image)), hash(page.words)
    further = matching.further.setdefault(number, [])
    copies = int(first["page"] == key) + sum(each.page == key for each in further)
    if words == first["words"] or any(each.words == words for each in further):
        matching.refused.append(RefusedPage(page.label, page.image, copies))
        yield label_copy(page)
    elif is_mirrored and not first["is_mirrored"]:
        matching.strangers.add(int(first["place"]))
        matching.counts.pages_out -= 1
        matching.counts.words_out -= int(first["count"])
        _take(matching, place, page, number, is_mirrored)
        return
    elif not is_mirrored and first["is_mirrored"]:
        matching.refused.append(RefusedPage(page.label, page.image, copies, "image_missing"))
        yield not_its_picture(page)
    else:
        matching.counts.note("second_label")
        matching.counts.pages_out += 1
        matching.counts.words_out += len(page.words)
    further.append(_Further(key, words))


def _take(matching: Matching, place: int, page: Page, number: int, is_mirrored: bool) -> None:
    """The page is the first of its picture."""
    key = hash((page.label, page.image))
    matching.first[number] = (True, is_mirrored, hash(page.words), key, place, len(page.words))
    matching.counts.pages_out += 1
    matching.counts.words_out += len(page.words)


def pictures_without_label(
    matching: Matching, share: Share, folders: Iterable[Listing], partition: SourcePartition
) -> Iterator[Quarantined]:
    """Set aside the pictures that no label names; of each JPEG or PNG, the last bytes tell whether it is whole."""
    pictures = (picture for folder in folders for picture in folder.entries())
    unmatched = (picture for number, picture in enumerate(pictures) if not matching.first["is_there"][number])
    for picture, (reason, detail) in share.ahead(partial(_with_reason, share), unmatched):
        place = partition.dataset.name, partition.split or ""
        matching.counts.pages_in += 1
        yield Quarantined("page", reason, *place, image=picture.shown, detail=detail)


def _with_reason(share: Share, picture: Entry) -> tuple[Entry, tuple[str, str]]:
    """The picture, and why and in which words it is set aside."""
    try:
        fault = _fault(share, picture)
    except Exception as error:  # noqa: BLE001 (goes to the log there)
        tell_unexpected(error, picture.shown)
        return picture, ("unexpected", what_was_unexpected(error))
    reason = "image_unreadable" if fault else "label_missing"
    return picture, (reason, f"{fault}, and no label names it" if fault else "no label names this picture")


def _fault(share: Share, picture: Entry) -> str:
    """Why a picture cannot be read, as far as that is cheap to tell."""
    if picture.fault or not picture.name.lower().endswith(_WITH_END_MARK):
        return picture.fault
    try:
        tail = share.read_tail(picture, _TAIL)
    except DamagedError as error:
        return str(error)
    except FileNotFoundError:
        return "the picture vanished"
    return "" if tail_is_whole(tail) else "the picture is truncated"
