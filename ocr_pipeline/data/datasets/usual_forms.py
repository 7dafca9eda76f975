"""The usual label, decoded straight into records: what departs from it is left to the tolerant reader.

Nearly every label of AI-Hub is of one form: upright boxes of whole pixels, keys spelled as documented, legible text in
NFC. For these the readers here give exactly what `label_forms` gives, several times as fast; for any other label they
give None.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Annotated

import msgspec

from ocr_pipeline.data.datasets.dataset import Parsed
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
        document = _decode(decoder, data) if data.count(b'"annotations"') == 1 else None
        if document is None or len(document.images) != 1:
            return None
        image, boxes = document.images[0], document.annotations
        quads = quads_of_sizes([box.box for box in boxes])
        page = Page(dataset, split, base_name(image.name), image.width, image.height, label)
        parsed = Parsed(counts=Counts())
        return parsed if add_usual_page(parsed, page, [box.text for box in boxes], quads) else None

    return read


def usual_corner_label(dataset: str) -> UsualReader:
    """Labels of ``Images`` and ``bbox`` or ``Bbox`` with the corners of upright boxes as ``x`` and ``y``."""
    lower, upper = msgspec.json.Decoder(_LowerCaseLabel), msgspec.json.Decoder(_UpperCaseLabel)

    def read(data: bytes, label: str, split: str) -> Parsed | None:
        if data.count(b'box"') != 1:  # a list that stands twice, or a word that ends so
            return None
        document = _decode(upper if b'"Bbox"' in data else lower, data)
        if document is None:
            return None
        image, boxes = document.image, document.boxes
        quads = _quads_of_corners(boxes)
        typefaces = [box.typeface for box in boxes]
        typed = any(typeface is not None for typeface in typefaces)
        if quads is None or (not typed and b"ypeface" in data):
            return None
        stem = label.rpartition("/")[2].rpartition(".")[0]
        page = Page(dataset, split, picture_name(stem, image.type), image.width, image.height, label)
        parsed = Parsed(counts=Counts())
        texts = [box.text for box in boxes]
        return parsed if add_usual_page(parsed, page, texts, quads, typefaces if typed else ()) else None

    return read


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
