"""A page in the making: words set into places, lines and tables."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import cv2
import numpy as np

from ocr_pipeline.data.synthetic.words import KoreanWords
from ocr_pipeline.data.synthetic.writing import Box, Ink, Style, make_ink, stamp

Colour = tuple[int, int, int]
Align = Literal["left", "centre", "right"]

BLACK, GREY, RULE, SHADE = (25, 25, 25), (120, 120, 125), (70, 70, 75), (232, 234, 238)


class Lettering(NamedTuple):
    """A word on a picture that gets a label.

    Attributes:
        text: transcription; None for text that cannot be read.
        box: tight box (x0, y0, x1, y1) in pixels.
        letters: box of each letter, within ``box``.
    """

    text: str | None
    box: Box
    letters: tuple[Box, ...]


class Picture(NamedTuple):
    """A finished page: (H, W, 3) uint8 RGB pixels, its labelled words, and the pen they were written with, if any."""

    pixels: np.ndarray
    words: tuple[Lettering, ...]
    pen: str = "black"


class Pen(NamedTuple):
    """What a word is written with; ``size`` is the letter height on a page 512 pixels wide."""

    font: str
    size: float
    style: Style = "print"
    colour: Colour | None = None
    labelled: bool = True


class Drawing:
    """Pixels and the labelled words on them; all lengths scale with the page's width.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        words: labelled so far, in writing order.
    """

    def __init__(self, pixels: np.ndarray, rng: np.random.Generator) -> None:
        self.pixels, self.rng, self.vocabulary = pixels, rng, KoreanWords(rng)
        self.words: list[Lettering] = []
        self.height, self.width = pixels.shape[:2]

    def length(self, at_512: float) -> int:
        """Pixels of a length that is given for a page 512 pixels wide."""
        return max(1, round(at_512 * self.width / 512))

    def write(self, text: str, pen: Pen, place: Box, align: Align = "left") -> Box:
        """Write one word into ``place``, centred in its height; it shrinks if it must. Returns its box."""
        x0, y0, x1, y1 = place
        ink = make_ink(text, font=pen.font, height=max(9, self.length(pen.size)), rng=self.rng, style=pen.style)
        ink = fit(ink if pen.colour is None else ink._replace(colour=pen.colour), x1 - x0, y1 - y0)
        rows, columns = ink.cover.shape
        x = {"left": x0, "centre": (x0 + x1 - columns) // 2, "right": x1 - columns}[align]
        box = stamp(self.pixels, ink, x, (y0 + y1 - rows) // 2)
        if pen.labelled:
            self.words.append(Lettering(text, box, shifted(ink.letters, box)))
        return box

    def write_line(self, texts: Sequence[str], pen: Pen, place: Box, gap: float = 14) -> int:
        """Write words one after the other while ``place`` has room (the first always). Returns where they end."""
        x0, y0, x1, y1 = place
        for position, text in enumerate(texts):
            room = round(0.95 * max(9, self.length(pen.size)) * min(len(text), 4))
            if position and x0 + room > x1:
                break
            x0 = self.write(text, pen, (x0, y0, x1, y1))[2] + self.length(gap)
        return x0

    def rule(self, start: tuple[int, int], end: tuple[int, int], colour: Colour = RULE, width: int = 1) -> None:
        """Draw a straight line."""
        cv2.line(self.pixels, start, end, colour, width)

    def fill(self, place: Box, colour: Colour) -> None:
        """Fill a rectangle."""
        x0, y0, x1, y1 = place
        self.pixels[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = colour

    def frame(self, place: Box, colour: Colour = RULE, width: int = 1) -> None:
        """Draw the outline of a rectangle."""
        x0, y0, x1, y1 = place
        cv2.rectangle(self.pixels, (x0, y0), (x1 - 1, y1 - 1), colour, width)

    def table(self, place: Box, rows: int, columns: Sequence[float], shaded: Sequence[int] = ()) -> list[list[Box]]:
        """Rule a table of equal rows and of columns with the given shares of the width.

        Args:
            shaded: columns with a grey ground, where a form prints its captions.

        Returns:
            the cells' places by row and column, a little inside the lines.
        """
        x0, y0, x1, y1 = place
        across = [x0 + round((x1 - x0) * share) for share in np.cumsum([0, *columns]) / sum(columns)]
        down = [y0 + (y1 - y0) * row // rows for row in range(rows + 1)]
        for column in shaded:
            self.fill((across[column], y0, across[column + 1], y1), SHADE)
        for y in down[1:-1]:
            self.rule((x0, y), (x1, y))
        for x in across[1:-1]:
            self.rule((x, y0), (x, y1))
        self.frame((x0, y0, x1 + 1, y1 + 1), BLACK, 1 + (self.width > 300))
        pad, low = self.length(6), self.length(4)
        return [
            [(left + pad, top + low, right - pad, bottom - low) for left, right in pairwise(across)]
            for top, bottom in pairwise(down)
        ]


def fit(ink: Ink, width: int, height: int) -> Ink:
    """``ink``, made smaller where it would not fit into ``width`` x ``height`` pixels."""
    rows, columns = ink.cover.shape
    scale = min(1.0, max(width, 4) / columns, max(height, 4) / rows)
    if scale == 1.0:
        return ink
    size = max(1, int(columns * scale)), max(1, int(rows * scale))
    letters = tuple((int(a * scale), int(b * scale), int(c * scale), int(d * scale)) for a, b, c, d in ink.letters)
    return Ink(cv2.resize(ink.cover, size, interpolation=cv2.INTER_AREA), ink.colour, letters)


def shifted(letters: Sequence[Box], box: Box) -> tuple[Box, ...]:
    """Letters of an ink as boxes on the page, each at least one pixel wide and high and within the word's ``box``."""
    x0, y0, x1, y1 = box
    placed = []
    for a, b, c, d in letters:
        left, top = min(x0 + a, x1 - 1), min(y0 + b, y1 - 1)
        placed.append((left, top, min(max(x0 + c, left + 1), x1), min(max(y0 + d, top + 1), y1)))
    return tuple(placed)
