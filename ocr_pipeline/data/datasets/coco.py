"""Documents of ``images`` and ``annotations`` that name their image: joined in any order, in bounded memory."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import le
from typing import Any, NamedTuple

import msgspec

from ocr_pipeline.data.datasets.dataset import LabelError, Parsed
from ocr_pipeline.data.datasets.json_stream import Pieces, from_cp949, stream_arrays
from ocr_pipeline.errors import tell_unexpected
from ocr_pipeline.page import Page, Quarantined, raw_record, what_was_unexpected
from ocr_pipeline.storage.artifacts.quarantine import Counts

_NO_PAGE, _SEVERAL_PAGES = -1, -2
_AMBIGUOUS = "another picture has the same id: whose words are whose cannot be told"


Kept = tuple[str | None, bytes]
"""Id of the picture, and what waits of a word of it, or of some words, as a JSON list."""


class CocoForm(NamedTuple):
    """How one kind of such documents reads.

    Attributes:
        dataset, split: for what is set aside.
        image, word: struct types of the usual records; others come as plain values.
        page_of: image record -> its id and the page without words; raises LabelError.
        keep: records of words -> what `add_words` needs of them; what is no word is noted in the `Parsed`.
        add_words: reads the words of one page, given as a JSON list of what ``keep`` kept, into the `Parsed`.
        joins_names: whether a picture that is listed under two ids is one page with the words of both.
    """

    dataset: str
    split: str
    image: type
    word: type
    page_of: Callable[[Any, str], tuple[str, Page]]
    keep: Callable[[Parsed, list[Any]], Iterable[Kept]]
    add_words: Callable[[Parsed, Page, bytes], None]
    joins_names: bool = False


def read_coco(pieces: Pieces, form: CocoForm, label: str) -> Iterator[Parsed]:
    """One `Parsed` for what belongs to no page, then one for each page in the order of ``images``.

    The words wait in an unnamed temporary file, with 12 bytes of memory for those of an image that come together.

    Args:
        pieces: opens the document: UTF-8 with or without byte order mark, or cp949.

    Raises:
        LabelError: it is no such document, before the first page comes.
    """
    try:
        collected = _collect(pieces(), form, label)
    except UnicodeDecodeError:
        collected = _collect(from_cp949(pieces()), form, label)
    # Words come in the order of the file, and may name images that are listed after them: 7:가 9:나 7:다 4:라.
    # The spool numbers the ids as they appear (7 is 0, 9 is 1, 4 is 2) and keeps the words as they come. Where the
    # images are 9 and 7, pages 0 and 1, they are read back by page: of none (라), of page 0 (나), of page 1 (가 다).
    grouped = collected.spool.grouped([collected.place_of(owner) for owner in range(len(collected.ids))])
    last, words = next(grouped, (len(collected.pages), b""))
    while last < 0:
        reason = "word_without_page" if last == _NO_PAGE else "image_id_ambiguous"
        for record in msgspec.json.decode(words):
            collected.rest.counts.words_in += 1
            detail = f"annotation {record!r:.200}"
            collected.rest.set_aside(Quarantined("word", reason, form.dataset, "", label, detail=detail))
        last, words = next(grouped, (len(collected.pages), b""))
    yield collected.rest
    for place, page in enumerate(collected.pages):
        if place in collected.ambiguous_pages:
            yield _set_aside(page, "image_id_ambiguous", _AMBIGUOUS)
        else:
            yield _with_words(form, page, words if last == place else b"[]")
        if last == place:
            last, words = next(grouped, (len(collected.pages), b""))


def keep_each(
    parsed: Parsed, records: Iterable[Any], keep: Callable[[Any], Kept | None], lost: Quarantined
) -> Iterator[Kept]:
    """What waits of records that are read one by one; one that cannot be kept is a word set aside.

    Args:
        keep: record -> what waits of it; None for what is no word.
        lost: as what a word is set aside, but for why.
    """
    for record in records:
        try:
            kept = keep(record)
        except (LabelError, UnicodeEncodeError) as error:
            why = (
                str(error) if isinstance(error, LabelError) else "the record holds half a character (a lone surrogate)"
            )
            parsed.counts.words_in += 1
            parsed.set_aside(msgspec.structs.replace(lost, detail=why, raw=raw_record(record)))
        else:
            if kept is not None:
                yield kept


def _set_aside(page: Page, reason: str, detail: str, words: int = 0) -> Parsed:
    parsed = Parsed(counts=Counts(pages_in=1, words_in=words))
    parsed.set_aside(page.set_aside(reason, detail, words))
    return parsed


def _with_words(form: CocoForm, page: Page, words: bytes) -> Parsed:
    parsed = Parsed()
    try:
        form.add_words(parsed, page, words)
    except Exception as error:  # noqa: BLE001 (goes to the log there)
        tell_unexpected(error, page.image)
        count = len(msgspec.json.decode(words, type=list[msgspec.Raw]))
        return _set_aside(page, "unexpected", what_was_unexpected(error), count)
    return parsed


@dataclass
class _Collected:
    """Everything of a document but the words of its pages.

    Attributes:
        rest: what belongs to no page.
        ids: id of an image -> its number, in the order in which ids appear.
        page_of: number of an id -> place of the page in ``pages``.
        ambiguous: numbers of ids that several pictures have; whose words are whose cannot be told.
        ambiguous_pages: places of these pictures' pages.
    """

    spool: _Spool
    rest: Parsed = field(default_factory=Parsed)
    pages: list[Page] = field(default_factory=list)
    ids: dict[str | None, int] = field(default_factory=dict)
    page_of: dict[int, int] = field(default_factory=dict)
    by_name: dict[str, int] = field(default_factory=dict)
    ambiguous: set[int] = field(default_factory=set)
    ambiguous_pages: set[int] = field(default_factory=set)

    def place_of(self, number: int) -> int:
        """Where the page of an id stands; below 0 where there is none, or several."""
        return _SEVERAL_PAGES if number in self.ambiguous else self.page_of.get(number, _NO_PAGE)

    def number(self, image: str | None) -> int:
        return self.ids.setdefault(image, len(self.ids))


def _collect(pieces: Iterable[bytes], form: CocoForm, label: str) -> _Collected:
    collected, seen = _Collected(_Spool()), set()
    for key, batch in stream_arrays(pieces, {"images": form.image, "annotations": form.word}):
        seen.add(key)
        if key == "images":
            for record in batch:
                _add_image(collected, record, form, label)
        else:
            for image, kept in form.keep(collected.rest, batch):
                collected.spool.add(collected.number(image), kept)
    missing = {"images", "annotations"} - seen
    if missing:
        raise LabelError(f"no key {' and '.join(sorted(missing))}")
    return collected


def _add_image(collected: _Collected, record: Any, form: CocoForm, label: str) -> None:
    try:
        image, page = form.page_of(record, label)
    except Exception as error:  # noqa: BLE001 (goes to the log there)
        collected.rest.counts.pages_in += 1
        collected.rest.set_aside(_malformed(record, form, label, error))
        return
    number = collected.number(image)
    if form.joins_names and page.image in collected.by_name:
        collected.rest.counts.pages_in += 1
        detail = f"listed again with id {image}; its words stand with the first listing"
        collected.rest.set_aside(page.set_aside("duplicate_picture", detail))
        collected.page_of.setdefault(number, collected.by_name[page.image])
        return
    if number in collected.page_of:
        collected.ambiguous.add(number)
        collected.ambiguous_pages |= {collected.page_of[number], len(collected.pages)}
    collected.by_name[page.image] = collected.page_of[number] = len(collected.pages)
    collected.pages.append(page)


def _malformed(record: Any, form: CocoForm, label: str, error: Exception) -> Quarantined:
    reason, why = "label_unreadable", str(error)
    if not isinstance(error, LabelError):
        tell_unexpected(error, f"{label}, {record!r:.200}")
        reason, why = "unexpected", what_was_unexpected(error)
    detail = f"its record among the images cannot be read ({why})"
    return Quarantined("page", reason, form.dataset, form.split, label, detail=detail, raw=raw_record(record))


class _Spool:
    """Lists of owners, in a temporary file in the order in which they come."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (gone with the spool)
        self._owners = array("i")
        self._ends = array("Q", [0])

    def add(self, owner: int, records: bytes) -> None:
        """Keep a JSON list that is not empty."""
        self._owners.append(owner)
        self._ends.append(self._ends[-1] + len(records) - 1)
        self._file.write(b"%b," % records[1:-1])

    def grouped(self, groups: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """(group, all its lists as one) by ascending group; ``groups`` gives the group of each owner."""
        self._file.flush()
        of_list = array("i", map(groups.__getitem__, self._owners))
        in_order = all(map(le, of_list, islice(of_list, 1, None)))
        order: Iterable[int] = range(len(of_list))
        if not in_order:
            order = sorted(order, key=of_list.__getitem__)
        for group, lists in groupby(order, of_list.__getitem__):
            yield group, self._joined(list(lists))

    def _joined(self, lists: list[int]) -> bytes:
        if lists[-1] - lists[0] == len(lists) - 1:
            data = self._read(lists[0], lists[-1])
        else:
            data = b"".join(self._read(place, place) for place in lists)
        return b"[%b]" % data[:-1]

    def _read(self, first: int, last: int) -> bytes:
        start, end = self._ends[first], self._ends[last + 1]
        return os.pread(self._file.fileno(), end - start, start)
