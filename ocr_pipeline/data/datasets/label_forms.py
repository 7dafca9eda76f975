"""The box forms that AI-Hub labels come in, read tolerantly: keys change case and spelling, ids repeat or are UUIDs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ocr_pipeline.data.datasets.dataset import LabelError, Parsed
from ocr_pipeline.page import Page, Point, Quad, Quarantined, Word, nfc, word_state

_LARGEST = 1 << 31  # pixels; what is beyond is no coordinate


def pick(record: Mapping[str, Any], *keys: str, default: Any = None) -> Any:
    """The value under the first of ``keys`` that is there, whatever its case."""
    for key in keys:
        if key in record:
            return record[key]
    folded = {key.casefold(): key for key in record}
    for key in keys:
        if key.casefold() in folded:
            return record[folded[key.casefold()]]
    return default


def need(record: Any, *keys: str) -> Any:
    """Like `pick`, but a missing key makes the label unreadable.

    Raises:
        LabelError: none of the keys is there.
    """
    value = pick(record, *keys) if isinstance(record, Mapping) else None
    if value is None:
        raise LabelError(f"no key {' or '.join(keys)}")
    return value


def clockwise(xs: Sequence[float], ys: Sequence[float]) -> Quad:
    """Four corners clockwise from top left.

    AI-Hub lists the corners of an upright box as TL, BL, TR, BR; joining them in that order gives a self-crossing
    shape. Sorting by angle around the centre is right for any order of a convex quadrilateral.
    """
    if min(xs) == max(xs) or min(ys) == max(ys) or (len(set(xs)) == 2 and len(set(ys)) == 2):
        left, top, right, bottom = min(xs), min(ys), max(xs), max(ys)
        return (left, top), (right, top), (right, bottom), (left, bottom)
    centre = sum(xs) / 4, sum(ys) / 4
    points: list[Point] = sorted(
        zip(xs, ys, strict=True), key=lambda point: math.atan2(point[1] - centre[1], point[0] - centre[0])
    )
    first = min(range(4), key=lambda place: (points[place][0] + points[place][1], points[place][1]))
    a, b, c, d = points[first:] + points[:first]
    return a, b, c, d


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
        quad = read_quad(record)
        if quad is None or area(quad) <= 0:
            parsed.set_aside(_bad_word(page, place, record, quad))
            continue
        raw = pick(record, *text_keys)
        raw = None if raw is None else str(raw)
        text = nfc(raw or "")
        typeface = pick(record, "typeface")
        words.append(
            Word(
                id=place,
                text=text,
                quad=quad,
                state=word_state(raw, ignored=place in ignored),
                raw_text=raw if raw is not None and raw != text else None,
                typeface=typeface if isinstance(typeface, int) else None,
            )
        )
    parsed.pages.append(msgspec.structs.replace(page, words=tuple(words)))
    parsed.counts.pages_in += 1
    parsed.counts.pages_out += 1
    parsed.counts.words_in += len(records)
    parsed.counts.words_out += len(words)
    parsed.counts.note("words_ignored", sum(word.state == "ignore" for word in words))


def read_quad(record: Any) -> Quad | None:
    """The corners of one raw word record, or None if it has no box of numbers."""
    if not isinstance(record, Mapping):
        return None
    box = pick(record, "annotation.bbox", "bbox")
    if _numbers(box):
        return box_quad(box)
    xs, ys = pick(record, "x"), pick(record, "y")
    return clockwise(xs, ys) if _numbers(xs) and _numbers(ys) else None


def _numbers(values: Any) -> bool:
    return (
        isinstance(values, list)
        and len(values) == 4
        and all(isinstance(value, int | float) and abs(value) < _LARGEST for value in values)
    )


def _bad_word(page: Page, place: int, record: Any, quad: Quad | None) -> Quarantined:
    if quad is None:
        return page.set_aside_word(place, "word_malformed", "the record has no box of four numbers", record)
    return page.set_aside_word(place, "word_zero_area", "the box has no area", record)


def read_corner_label(dataset: str):
    """A reader for label files of ``{"Images": {...}, "bbox"|"Bbox": [{"data", "x", "y", ...}]}``.

    The page is named after the label file: that is what holds for all three sets of this form.
    """

    def read(document: Any, label: str, split: str) -> Parsed:
        images, records = need(document, "Images"), need(document, "bbox")
        if not isinstance(images, Mapping) or not isinstance(records, list):
            raise LabelError("Images must be a record, and bbox a list")
        extension = str(pick(images, "type", default="")).lower()
        stem = label.rpartition("/")[2].rpartition(".")[0]
        page = Page(
            dataset=dataset,
            split=split,
            image=f"{stem}.{extension}" if extension else stem,
            width=number(need(images, "width")),
            height=number(need(images, "height")),
            label=label,
        )
        parsed = Parsed()
        add_page(parsed, page, records, ("data", "text"))
        return parsed

    return read


def number(value: Any) -> int:
    """A pixel count that may have been written as text.

    Raises:
        LabelError: it is not one.
    """
    try:
        pixels = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise LabelError(f"{value!r:.80} is not a number of pixels") from error
    if not 0 <= pixels < _LARGEST:
        raise LabelError(f"{value!r:.80} is not a number of pixels")
    return int(pixels)
