"""Upright boxes around words, and what of a text can stand in XML."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from msgspec.structs import replace

from ocr_pipeline.page import Point
from ocr_pipeline.reading.record import ReadLine, ReadPage, ReadWord

_NO_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Box(NamedTuple):
    """Whole pixels; right and bottom lie outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


def within(page: ReadPage) -> ReadPage:
    """The page with all corners of words on it: a turned box may leave it, of which hOCR and ALTO know nothing."""
    return replace(page, lines=tuple(_line_within(line, page.width, page.height) for line in page.lines))


def _line_within(line: ReadLine, width: int, height: int) -> ReadLine:
    def held(point: Point) -> Point:
        return min(max(point[0], 0.0), width), min(max(point[1], 0.0), height)

    def word_within(word: ReadWord) -> ReadWord:
        a, b, c, d = map(held, word.quad)
        return replace(word, quad=(a, b, c, d))

    return replace(line, words=tuple(map(word_within, line.words)))


def box_around(words: Iterable[ReadWord]) -> Box:
    """The smallest box that holds all corners of words."""
    xs, ys = zip(*(point for word in words for point in word.quad), strict=True)
    return Box(round(min(xs)), round(min(ys)), round(max(xs)), round(max(ys)))


def words_in(lines: Iterable[ReadLine]) -> list[ReadWord]:
    return [word for line in lines for word in line.words]


def in_xml(text: str) -> str:
    """A text as the content of an element; control codes, which no XML can hold, go."""
    return escape(_NO_XML.sub("", text))


def attribute(text: str) -> str:
    """The same as an attribute with its quotes."""
    return quoteattr(_NO_XML.sub("", text))
