"""The usual label, decoded straight into records: what departs from it is left to the tolerant reader.

Nearly every label of AI-Hub is of one form: upright boxes of whole pixels, keys spelled as documented, legible text in
NFC. For these the readers here give exactly what `label_forms` gives, several times as fast; for any other label they
give None.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Annotated, NamedTuple

import msgspec

from ocr_pipeline.data.datasets.dataset import Parsed
from ocr_pipeline.data.datasets.doubled_keys import may_spell_otherwise
from ocr_pipeline.data.datasets.names import base_name, picture_name
from ocr_pipeline.page import ILLEGIBLE, INVISIBLE, Page, Quad, Word
from ocr_pipeline.storage.artifacts.quarantine import Counts

_LARGEST = 1 << 31

_Coordinate = Annotated[int, msgspec.Meta(gt=-_LARGEST, lt=_LARGEST)]
_Extent = Annotated[int, msgspec.Meta(gt=0, lt=_LARGEST)]
Pixels = Annotated[int, msgspec.Meta(ge=0, lt=_LARGEST)]
"""Width or height of a picture."""

SizedBox = tuple[_Coordinate, _Coordinate, _Extent, _Extent]
"""x, y, width, height of a box that has an area."""

UsualReader = Callable[[bytes, str, str], Parsed | None]
"""(data of the label file, its path, split) -> what it holds, or None if it is not of the usual form."""


def add_usual_page(
    parsed: Parsed,
    page: Page,
    texts: Sequence[str | None],
    quads: list[Quad],
    typefaces: Sequence[int | None] = (),
    ignored: frozenset[int] = frozenset(),
) -> bool:
    """Add a page of legible words in NFC; False, and nothing added, if the words are not all of that kind.

    Args:
        ignored: places of words that are not to be read; only these may have no text.
    """
    to_read = [text for place, text in enumerate(texts) if place not in ignored] if ignored else texts
    if None in to_read or not ILLEGIBLE.isdisjoint(map(str.strip, to_read)):  # type: ignore[arg-type]
        return False
    together = "".join(filter(None, texts))
    if not unicodedata.is_normalized("NFC", together) or INVISIBLE.search(together):
        return False
    parsed.pages.append(msgspec.structs.replace(page, words=_words(texts, quads, typefaces, ignored)))
    counts = parsed.counts
    counts.pages_in += 1
    counts.pages_out += 1
    counts.words_in += len(texts)
    counts.words_out += len(texts)
    counts.note("words_ignored", len(ignored))
    return True


def _words(
    texts: Sequence[str | None], quads: list[Quad], typefaces: Sequence[int | None], ignored: frozenset[int]
) -> tuple[Word, ...]:
    if not ignored and not typefaces:
        return tuple(map(Word, range(len(texts)), texts, quads))  # type: ignore[arg-type]
    return tuple(
        Word(place, text or "", quad, "ignore" if place in ignored else "ok", None, typeface)
        for place, (text, quad, typeface) in enumerate(zip(texts, quads, typefaces or repeat(None), strict=False))
    )


def quads_of_sizes(boxes: list[SizedBox]) -> list[Quad]:
    """Corners of ``[x, y, width, height]`` boxes."""
    return [
        ((x, y), (right := x + width, y), (right, bottom := y + height), (x, bottom)) for x, y, width, height in boxes
    ]


def usual_admin_label(dataset: str) -> UsualReader:
    """Labels of ``images[0]`` and ``annotations`` with dotted keys and ``[x, y, width, height]`` boxes."""
    decoder = msgspec.json.Decoder(_AdminLabel)

    def read(data: bytes, label: str, split: str) -> Parsed | None:
        document = _decode(decoder, data)
        if document is None or len(document.images) != 1:
            return None
        image, boxes = document.images[0], document.annotations
        texts = [box.text for box in boxes]
        if not _is_told_once(data, texts, _ADMIN):
            return None
        quads = quads_of_sizes([box.box for box in boxes])
        page = Page(dataset, split, base_name(image.name), image.width, image.height, label)
        parsed = Parsed(counts=Counts())
        return parsed if add_usual_page(parsed, page, texts, quads) else None

    return read


def usual_corner_label(dataset: str) -> UsualReader:
    """Labels of ``Images`` and ``bbox`` or ``Bbox`` with the corners of upright boxes as ``x`` and ``y``."""
    lower, upper = msgspec.json.Decoder(_LowerCaseLabel), msgspec.json.Decoder(_UpperCaseLabel)

    def read(data: bytes, label: str, split: str) -> Parsed | None:
        document = _decode(upper if b'"Bbox"' in data else lower, data)
        if document is None:
            return None
        image, boxes = document.image, document.boxes
        quads = _quads_of_corners(boxes)
        typefaces = [box.typeface for box in boxes]
        typed = len(typefaces) - typefaces.count(None)
        texts = [box.text for box in boxes]
        if quads is None or not _is_told_once(data, texts, _CORNERS) or data.count(b'ypeface"') != typed:
            return None
        stem = label.rpartition("/")[2].rpartition(".")[0]
        page = Page(dataset, split, picture_name(stem, image.type), image.width, image.height, label)
        parsed = Parsed(counts=Counts())
        return parsed if add_usual_page(parsed, page, texts, quads, typefaces if typed else ()) else None

    return read


class _Spelling(NamedTuple):
    """How the keys of a form are written that may not stand twice.

    Attributes:
        image: the record of the picture, with its key.
        of_image: the keys in it.
        text: key of a text, or its end where it may be spelled in several ways.
        once: other keys that the page has.
        lists, lists_of_word: how many the page has of itself, and each word.
    """

    image: re.Pattern[bytes]
    of_image: tuple[bytes, ...]
    text: bytes
    once: tuple[bytes, ...]
    lists: int
    lists_of_word: int


_INSIDE = rb"""([^{}"\\]*(?:"[^"\\]*"[^{}"\\]*)*)\}"""  # of a record without escapes and records in it

_ADMIN = _Spelling(
    re.compile(rb'"images"\s*:\s*\[\s*\{' + _INSIDE),
    (b'"image.file.name"', b'"image.width"', b'"image.height"'),
    text=b'"annotation.text"',
    once=(),
    lists=2,
    lists_of_word=1,
)
_CORNERS = _Spelling(
    re.compile(rb'"Images"\s*:\s*\{' + _INSIDE),
    (b'"type"', b'"width"', b'"height"'),
    text=b'ata"',
    once=(b'mages"',),
    lists=1,
    lists_of_word=2,
)


def _is_told_once(data: bytes, texts: list[str], form: _Spelling) -> bool:
    """Whether nothing that is read stands twice in a label, which has it at least once.

    As few looks at all of it as will do: each costs a tenth of its decoding. Where it holds no more lists than it must,
    none of them stands twice, whatever their keys.
    """
    lists = form.lists + form.lists_of_word * len(texts) + "".join(texts).count("[")
    if data.count(b"[") != lists or data.count(form.text) != len(texts) or may_spell_otherwise(data):
        return False
    image = form.image.search(data)
    inside = image[1] if image else b""
    return all(inside.count(key) == 1 for key in form.of_image) and all(data.count(key) == 1 for key in form.once)


def _quads_of_corners(boxes: list[_CornerBox]) -> list[Quad] | None:
    """Corners of boxes listed as top left, bottom left, top right, bottom right; None unless all are such."""
    quads: list[Quad] = []
    for box in boxes:
        left, left_again, right, right_again = box.x
        top, bottom, top_again, bottom_again = box.y
        if not (
            left == left_again
            and right == right_again
            and top == top_again
            and bottom == bottom_again
            and left < right
            and top < bottom
        ):
            return None
        quads.append(((left, top), (right, top), (right, bottom), (left, bottom)))
    return quads


def _decode(decoder: msgspec.json.Decoder, data: bytes):
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class _AdminImage(msgspec.Struct, gc=False):
    name: str = msgspec.field(name="image.file.name")
    width: Pixels = msgspec.field(name="image.width")
    height: Pixels = msgspec.field(name="image.height")


class _AdminBox(msgspec.Struct, gc=False):
    text: str = msgspec.field(name="annotation.text")
    box: SizedBox = msgspec.field(name="annotation.bbox")


class _AdminLabel(msgspec.Struct, gc=False):
    images: list[_AdminImage]
    annotations: list[_AdminBox]


class _CornerImage(msgspec.Struct, gc=False):
    width: Pixels
    height: Pixels
    type: str


class _CornerBox(msgspec.Struct, gc=False):
    x: tuple[_Coordinate, _Coordinate, _Coordinate, _Coordinate]
    y: tuple[_Coordinate, _Coordinate, _Coordinate, _Coordinate]
    text: str = msgspec.field(name="data")
    typeface: _Coordinate | None = None


class _LowerCaseLabel(msgspec.Struct, gc=False):
    image: _CornerImage = msgspec.field(name="Images")
    boxes: list[_CornerBox] = msgspec.field(name="bbox")


class _UpperCaseLabel(msgspec.Struct, gc=False):
    image: _CornerImage = msgspec.field(name="Images")
    boxes: list[_CornerBox] = msgspec.field(name="Bbox")
