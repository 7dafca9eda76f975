"""A page's record -> the records of its regions or of its table cells, and their pictures cut from the page's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import msgspec
import numpy as np

from ocr_pipeline.data.layout_lmdb.assignment import assign_words, reading_lines
from ocr_pipeline.data.layout_lmdb.decoding import Undecodable
from ocr_pipeline.data.layout_lmdb.format.geometry import Box, box_of, clip_quad, outside, quad_area
from ocr_pipeline.data.layout_lmdb.format.record import CELL, LayoutRecord, LayoutWord, Region
from ocr_pipeline.data.layout_lmdb.samples import joined_text
from ocr_pipeline.data.layout_lmdb.settings import CELL_SCORE, Samples
from ocr_pipeline.errors import tell_unexpected
from ocr_pipeline.page import Quad, what_was_unexpected
from ocr_pipeline.storage.files.pictures import decode_picture, opencv_memory

JPEG_QUALITY = 95

_Window = tuple[int, int, int, int]


class Cut(NamedTuple):
    """An encoded page and the windows (x0, y0, x1, y1, whole pixels) to cut from it."""

    image: bytes
    windows: tuple[_Window, ...]
    most_pixels: int

    @classmethod
    def of(cls, image: bytes, crops: Sequence[LayoutRecord], most_pixels: int) -> Cut | None:
        """What is to be cut for these crops; None for none."""
        windows = tuple((int(x0), int(y0), int(x1), int(y1)) for x0, y0, x1, y1 in (c.crop for c in crops if c.crop))
        return cls(image, windows, most_pixels) if windows else None


def crops_of(page: LayoutRecord, samples: Samples) -> list[LayoutRecord]:
    """A record for each region (or cell) that holds words, in reading order; its ``crop`` is the window on the page.

    The window covers the region and all of its words. Words of others that reach into it are there as ``ignore``: a
    detector shall not learn that they are background, nor a recognizer that they belong to the text.
    """
    regions = page.regions if samples == "region" else tuple(_cell_regions(page))
    return [_crop(page, region) for region in regions if region.words]


def cut_crops(task: Cut) -> list[bytes] | Undecodable:
    """The windows as JPEG files, or why there are none.

    Raises:
        PipelineError: this machine ran out of memory.
    """
    try:
        return _cut(task)
    except Exception as error:  # noqa: BLE001 (goes to the log there)
        tell_unexpected(error, "a page that is cut")
        return Undecodable("unexpected", what_was_unexpected(error))


def _cut(task: Cut) -> list[bytes]:
    picture = decode_picture(task.image, most_pixels=task.most_pixels)
    crops = []
    for x0, y0, x1, y1 in task.windows:
        with opencv_memory():
            encoded, data = cv2.imencode(".jpg", picture[y0:y1, x0:x1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if not encoded:
            raise ValueError(f"a crop of {x1 - x0}x{y1 - y0} pixels cannot be encoded")
        crops.append(data.tobytes())
    return crops


def _cell_regions(page: LayoutRecord) -> Iterator[Region]:
    """Cells as regions, from top to bottom, with the words of which they hold at least half."""
    words = np.array([box_of(word.quad) for word in page.words]).reshape(-1, 4)
    cells = [cell for cell in page.cells if cell.score > CELL_SCORE]
    boxes = np.array([cell.box for cell in cells]).reshape(-1, 4)
    holder = assign_words(words, boxes)
    for order, cell in enumerate(cells):
        members = np.flatnonzero(holder == order)
        texts = [page.words[member].text for member in members]
        lines = [members[line].tolist() for line in reading_lines(words[members], texts, boxes[order])]
        text = joined_text(lines, page.words)
        yield Region(CELL, cell.score, cell.box, order, text, tuple(member for line in lines for member in line))


def _crop(page: LayoutRecord, region: Region) -> LayoutRecord:
    window = _window([region.box, *(box_of(page.words[member].quad) for member in region.words)], page)
    width, height = window[2] - window[0], window[3] - window[1]
    inside = [(place, word) for place, word in enumerate(page.words) if _shows(word, window)]
    members = {place: position for position, (place, _) in enumerate(inside) if place in set(region.words)}
    words = tuple(_moved(word, window, member=place in members) for place, word in inside)
    x0, y0, x1, y1 = (value - window[axis % 2] for axis, value in enumerate(region.box))
    box = (max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height)))
    moved = msgspec.structs.replace(region, box=box, order=0, words=tuple(members[place] for place in region.words))
    return msgspec.structs.replace(
        page, width=width, height=height, words=words, regions=(moved,), cells=(), crop=tuple(map(float, window))
    )


def _window(boxes: Sequence[Box], page: LayoutRecord) -> _Window:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return (
        max(math.floor(min(lefts)), 0),
        max(math.floor(min(tops)), 0),
        min(math.ceil(max(rights)), page.width),
        min(math.ceil(max(bottoms)), page.height),
    )


def _shows(word: LayoutWord, window: _Window) -> bool:
    quad = _shifted(word.quad, window)
    size = (window[2] - window[0], window[3] - window[1])
    return not outside(quad, *size) and quad_area(clip_quad(quad, *size)) > 0


def _moved(word: LayoutWord, window: _Window, *, member: bool) -> LayoutWord:
    quad = clip_quad(_shifted(word.quad, window), window[2] - window[0], window[3] - window[1])
    return msgspec.structs.replace(
        word, quad=quad, state=word.state if member else "ignore", region=0 if member else None
    )


def _shifted(quad: Quad, window: _Window) -> Quad:
    a, b, c, d = ((x - window[0], y - window[1]) for x, y in quad)
    return a, b, c, d
