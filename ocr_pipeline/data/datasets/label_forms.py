"""The box forms that AI-Hub labels come in, read tolerantly: keys change case and spelling, ids repeat or are UUIDs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ocr_pipeline.data.datasets.dataset import LabelError, Parsed
from ocr_pipeline.data.datasets.doubled_keys import the_value
from ocr_pipeline.data.datasets.names import picture_name
from ocr_pipeline.page import Page, Quad, Word, is_unicode, nfc, word_state

_LARGEST = 1 << 31  # pixels; what is beyond is no coordinate
_NOT_THERE = object()


def pick(record: Mapping[str, Any], *keys: str, default: Any = None) -> Any:
    """The value under the first of ``keys`` that is there; one spelled as it is here goes before other cases.

    Raises:
        LabelError: it stands there more than once, with different values.
    """
    for key in keys:
        if key in record:
            return the_value(record, [key])
    for key in keys:
        spelled = [name for name in record if name.casefold() == key.casefold()]
        if spelled:
            return the_value(record, spelled)
    return default


def need(record: Any, *keys: str) -> Any:
    """Like `pick`, but a missing key makes the label unreadable.

    Raises:
        LabelError: none of the keys is there, or one with different values.
    """
    value = pick(record, *keys) if isinstance(record, Mapping) else None
    if value is None:
        raise LabelError(f"no key {' or '.join(keys)}")
    return value


def clockwise(xs: Sequence[float], ys: Sequence[float]) -> Quad:
    """Four corners clockwise from the top left of the text.

    AI-Hub lists corners as TL, BL, TR, BR, as the reader of the text sees them; where they form a convex shape when
    taken so, that is what they are, however far the word is turned. Others are sorted by angle around the centre, which
    is right for any order of a convex quadrilateral, and the one nearest to the page's top left comes first.
    """
    points = list(zip(xs, ys, strict=True))
    as_read = points[0], points[2], points[3], points[1]
    if is_convex(as_read):
        return as_read
    if min(xs) == max(xs) or min(ys) == max(ys) or (len(set(xs)) == 2 and len(set(ys)) == 2):
        left, top, right, bottom = min(xs), min(ys), max(xs), max(ys)
        return (left, top), (right, top), (right, bottom), (left, bottom)
    centre = sum(xs) / 4, sum(ys) / 4
    points.sort(key=lambda point: math.atan2(point[1] - centre[1], point[0] - centre[0]))
    first = min(range(4), key=lambda place: (points[place][0] + points[place][1], points[place][1]))
    a, b, c, d = points[first:] + points[:first]
    return a, b, c, d


def is_convex(quad: Quad) -> bool:
    """Whether the corners go round clockwise (y points down) without a bend inwards."""
    sides = [(x1 - x0, y1 - y0) for (x0, y0), (x1, y1) in zip(quad, quad[1:] + quad[:1], strict=True)]
    return all(x0 * y1 - x1 * y0 > 0 for (x0, y0), (x1, y1) in zip(sides, sides[1:] + sides[:1], strict=True))


def box_quad(box: Sequence[float]) -> Quad:
    """Corners of an ``[x, y, width, height]`` box; a negative extent counts as none."""
    x, y, width, height = box[0], box[1], max(0, box[2]), max(0, box[3])
    return (x, y), (x + width, y), (x + width, y + height), (x, y + height)


def area(quad: Quad) -> float:
    """Area by the shoelace formula, in square pixels; positive for clockwise corners (y points down)."""
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(quad, quad[1:] + quad[:1], strict=True)) / 2


def add_page(
    parsed: Parsed,
    page: Page,
    records: Sequence[Any],
    text_keys: tuple[str, ...],
    ignored: frozenset[int] = frozenset(),
) -> None:
    """Read the words of one page into ``parsed``; words without a usable box are set aside with their reason.

    Args:
        page: the page without words.
        records: raw word records in label order.
        text_keys: where a record keeps its transcription.
        ignored: places in ``records`` that the label itself marks as not to be read.
    """
    words = []
    for place, record in enumerate(records):
        word = _word_or_fault(record, place, text_keys, place in ignored)
        if isinstance(word, Word):
            words.append(word)
        else:
            parsed.set_aside(page.set_aside_word(place, *word, record))
    parsed.pages.append(msgspec.structs.replace(page, words=tuple(words)))
    parsed.counts.pages_in += 1
    parsed.counts.pages_out += 1
    parsed.counts.words_in += len(records)
    parsed.counts.words_out += len(words)
    parsed.counts.note("words_ignored", sum(word.state == "ignore" for word in words))


def _word_or_fault(record: Any, place: int, text_keys: tuple[str, ...], ignored: bool) -> Word | tuple[str, str]:
    """The word, or the reason and the words in which it is set aside."""
    try:
        return _read_word(record, place, text_keys, ignored)
    except LabelError as error:
        return "word_malformed", str(error)


def _read_word(record: Any, place: int, text_keys: tuple[str, ...], ignored: bool) -> Word | tuple[str, str]:
    quad = read_quad(record)
    if quad is None:
        return "word_malformed", "the record has no box of four numbers"
    if area(quad) <= 0:
        return "word_zero_area", "the box has no area"
    raw = pick(record, *text_keys, default=_NOT_THERE)
    if raw is _NOT_THERE and not ignored:
        return "word_malformed", f"the record has no text under {' or '.join(text_keys)}"
    raw = None if raw is _NOT_THERE else raw
    if isinstance(raw, int) and not isinstance(raw, bool):
        raw = str(raw)
    if raw is not None and not (isinstance(raw, str) and is_unicode(raw)):
        return "word_malformed", "its text is no text, a number with a fraction or exponent, or half a character"
    text = nfc(raw or "")
    typeface = pick(record, "typeface")
    return Word(
        id=place,
        text=text,
        quad=quad,
        state=word_state(raw, ignored=ignored),
        raw_text=raw if raw is not None and raw != text else None,
        typeface=typeface if type(typeface) is int and abs(typeface) < _LARGEST else None,
    )


def read_quad(record: Any) -> Quad | None:
    """The corners of one raw word record, or None if it has no box of numbers."""
    if not isinstance(record, Mapping):
        return None
    box = _coordinates(pick(record, "annotation.bbox", "bbox"))
    if box:
        return box_quad(box)
    xs, ys = _coordinates(pick(record, "x")), _coordinates(pick(record, "y"))
    return clockwise(xs, ys) if xs and ys else None


def _coordinates(values: Any) -> list[float] | None:
    """Four numbers of pixels, be they written as text; None if they are not that (``true`` and NaN are not)."""
    if not isinstance(values, list) or len(values) != 4:
        return None
    numbers = [_coordinate(value) for value in values]
    return None if None in numbers else numbers  # type: ignore[return-value]


def _coordinate(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and abs(value) < _LARGEST else None


def read_corner_label(dataset: str):
    """A reader for label files of ``{"Images": {...}, "bbox"|"Bbox": [{"data", "x", "y", ...}]}``.

    The page is named after the label file: that is what holds for all three sets of this form.
    """

    def read(document: Any, label: str, split: str) -> Parsed:
        images, records = need(document, "Images"), need(document, "bbox")
        if not isinstance(images, Mapping) or not isinstance(records, list):
            raise LabelError("Images must be a record, and bbox a list")
        stem = label.rpartition("/")[2].rpartition(".")[0]
        page = Page(
            dataset=dataset,
            split=split,
            image=picture_name(stem, pick(images, "type")),
            width=number(need(images, "width")),
            height=number(need(images, "height")),
            label=label,
        )
        parsed = Parsed()
        add_page(parsed, page, records, ("data", "text"))
        return parsed

    return read


def number(value: Any) -> int:
    """A side of a picture in pixels, be it written as text.

    Raises:
        LabelError: it is not one.
    """
    pixels = _coordinate(value)
    if pixels is None or pixels < 0:
        raise LabelError(f"{value!r:.80} is not a number of pixels")
    return int(pixels)
