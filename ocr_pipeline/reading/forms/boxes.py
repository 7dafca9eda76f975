"""Upright boxes around words, and what of a text can stand in XML."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from ocr_pipeline.reading.record import ReadLine, ReadWord

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
