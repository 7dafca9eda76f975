"""Words set in a face: their ink, and where on a surface it lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ocr_pipeline.data.synthetic.faces import Face
from ocr_pipeline.data.synthetic.writing import VISIBLE, Ink, stamp

Colour = tuple[int, int, int]
Mask = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]

LEAST_HEIGHT = 5.0
"""Pixels: what is lower cannot be read and is masked, not learnt."""


class Hand(NamedTuple):
    """How words are written.

    Attributes:
        face: in which the letters are set.
        size: pixels to the em.
        colour: RGB of the ink.
        tracking, space: between letters, and besides it between words, in em.
        weight: pixels by which strokes are thickened.
        width: of the letters, for 1.
        wander: how far letters leave their place, in em; 0 for print.
        outline, shadow: colour of the rim around each letter, or of the copy below it; None for none.
    """

    face: Face
    size: int
    colour: Colour
    tracking: float = 0.0
    space: float = 0.33
    weight: int = 0
    width: float = 1.0
    wander: float = 0.0
    outline: Colour | None = None
    shadow: Colour | None = None


class DrawnWord(NamedTuple):
    """A word on a surface: its text and four corners (4, 2), clockwise from top left, in pixels."""

    text: str
    quad: Points


class SetWord(NamedTuple):
    """A word that is ready for paper: tight ink, and its place from the pen's start on the baseline."""

    ink: Ink
    x: int
    y: int
    advance: float


def set_word(text: str, hand: Hand, rng: np.random.Generator, upright: bool = False) -> SetWord:
    """The ink of one word; ``upright`` sets letter below letter.

    Raises:
        ValueError: the text leaves no ink.
    """
    font, size = hand.face.sized(hand.size), hand.size
    step = size * (1.02 + hand.tracking)
    lengths = [step if upright else font.getlength(letter) + hand.tracking * size for letter in text]
    along, margin = sum(lengths), size // 2 + 2
    extent = (2 * size, round(along) + size) if upright else (round(along) + size, 2 * size)
    canvas = Image.new("L", (extent[0] + margin, extent[1] + margin))
    draw = ImageDraw.Draw(canvas)
    plain = not (upright or hand.tracking or hand.wander)
    pen = 0.0
    for letter, length in [(text, along)] if plain else list(zip(text, lengths, strict=True)):
        x, y = (margin, size + pen) if upright else (margin + pen, 1.25 * size)
        if hand.wander:
            x, y = (place + rng.normal(0, hand.wander) * size for place in (x, y))
        draw.text((round(x), round(y)), letter, fill=255, font=font, anchor="ls")
        pen += length
    cover = np.asarray(canvas)
    if hand.wander:
        cover = _bend(cover, size, 0.6 * hand.wander, rng)
    if hand.weight:
        cover = cv2.dilate(cover, _disc(hand.weight))
    if hand.width != 1:
        cover = cv2.resize(cover, (max(2, round(cover.shape[1] * hand.width)), cover.shape[0]), interpolation=3)
    left, top, wide, high = cv2.boundingRect((cover >= VISIBLE).view(np.uint8))
    if not wide:
        raise ValueError(f"no ink for {text!r}")
    tight = np.ascontiguousarray(cover[top : top + high, left : left + wide])
    start = round(margin * hand.width)
    return SetWord(Ink(tight, hand.colour, ()), left - start, top - round(1.25 * size), along * hand.width)


def put(pixels: npt.NDArray[np.uint8], word: SetWord, hand: Hand, x: float, y: float) -> Points:
    """Stamp a word with its pen's start at (x, y), rim and shadow first; returns its quad."""
    left, top = round(x) + word.x, round(y) + word.y
    edge = max(1, hand.size // 14)
    if hand.shadow is not None:
        stamp(pixels, word.ink._replace(colour=hand.shadow), left + edge, top + edge)
    if hand.outline is not None:
        rim = cv2.copyMakeBorder(word.ink.cover, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=0)
        rim = np.asarray(cv2.dilate(rim, _disc(edge)), np.uint8)
        stamp(pixels, Ink(rim, hand.outline, ()), left - edge, top - edge)
        stamp(pixels, word.ink, left, top)
        return quad_of(left - edge, top - edge, left + rim.shape[1] - edge, top + rim.shape[0] - edge)
    return quad_of(*stamp(pixels, word.ink, left, top))


def quad_of(x0: float, y0: float, x1: float, y1: float) -> Points:
    """The corners of an upright box."""
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float64)


def moved(words: Sequence[DrawnWord], matrix: npt.NDArray[np.float64]) -> list[DrawnWord]:
    """The words seen through a homography (3, 3)."""
    if not words:
        return []
    points = np.concatenate([word.quad for word in words])
    seen = points @ matrix[:, :2].T + matrix[:, 2]
    quads = np.split(seen[:, :2] / seen[:, 2:], len(words))
    return [DrawnWord(word.text, quad) for word, quad in zip(words, quads, strict=True)]


def height_of(quad: Points) -> float:
    """The shorter side of a quad."""
    sides = np.hypot(*(np.roll(quad, -1, axis=0) - quad).T)
    return float(min(sides[0] + sides[2], sides[1] + sides[3]) / 2)


def _disc(width: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1)), np.uint8)


def _bend(cover: Mask, size: int, strength: float, rng: np.random.Generator) -> Mask:
    """Shift every point by a smooth random field, about one knot to half an em."""
    rows, columns = cover.shape
    knots = rng.normal(0, strength * size, size=(2 + 2 * rows // size, 2 + 2 * columns // size, 2))
    shift = cv2.resize(knots.astype(np.float32), (columns, rows), interpolation=cv2.INTER_CUBIC)
    x = np.arange(columns, dtype=np.float32) + shift[..., 0]
    y = np.arange(rows, dtype=np.float32)[:, None] + shift[..., 1]
    return np.asarray(cv2.remap(cover, x, y, cv2.INTER_LINEAR), np.uint8)
