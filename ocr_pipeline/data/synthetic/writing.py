"""Draw Korean words: printed, written by hand, or seen in a scene; alone as a crop or on a page.

A word is first made as ``Ink`` (how much of each pixel it covers, and in which colour), then stamped on a surface: that
of a page or that of its own small crop.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
import pylopdf_fonts_ko
from PIL import Image, ImageDraw, ImageFont

Box = tuple[int, int, int, int]
Style = Literal["print", "handwriting", "scene"]

EM_PER_LETTER = 1.08  # font size that gives Hangul letters of height 1 in the Noto fonts
VISIBLE = 40  # coverage of 255 from which a pixel counts as ink


class Ink(NamedTuple):
    """A word before it is put on paper.

    Attributes:
        cover: (H, W) uint8, 0 where the paper shows, 255 where the ink hides it; cut tight around the word.
        colour: RGB of the ink.
        letters: box of each letter (x0, y0, x1, y1) within ``cover``.
    """

    cover: np.ndarray
    colour: tuple[int, int, int]
    letters: tuple[Box, ...]


def font_path(font: str) -> Path:
    """The font file of ``sans`` or ``serif`` (Noto KR, SIL Open Font License 1.1).

    Raises:
        KeyError: for any other name.
    """
    return {"sans": pylopdf_fonts_ko.sans_path, "serif": pylopdf_fonts_ko.serif_path}[font]()


def render_word(text: str, *, font: str, height: int, rng: np.random.Generator, style: Style = "print") -> np.ndarray:
    """Draw one word as a crop: ink on paper with a small margin.

    Args:
        text: the word, not blank.
        font: ``sans`` or ``serif``.
        height: height of a Hangul letter in pixels.
        rng: decides everything that varies; the same state gives the same crop.
        style: ``print``, ``handwriting`` or ``scene``.

    Returns:
        (H, W, 3) uint8 RGB; H is about 1.2 times ``height`` for Hangul.
    """
    ink = make_ink(text, font=font, height=height, rng=rng, style=style)
    left, top, right, bottom = (int(m) for m in rng.integers(1, 2 + max(1, height // 6), size=4))
    rows, columns = ink.cover.shape
    shape = (rows + top + bottom, columns + left + right)
    if style == "scene":
        crop, colour = scene_surface(shape, rng)
        stamp(crop, ink._replace(colour=colour), left, top)
        return camera(crop, rng)
    crop = paper(shape, rng)
    stamp(crop, ink, left, top)
    return crop


def draw_word(
    page: np.ndarray,
    text: str,
    at: tuple[int, int],
    *,
    font: str,
    height: int,
    rng: np.random.Generator,
    style: Style = "print",
    colour: tuple[int, int, int] | None = None,
) -> Box:
    """Draw one word onto ``page`` (H, W, 3 uint8 RGB, changed in place) with its top left corner ``at`` (x, y).

    Returns:
        the tight box (x0, y0, x1, y1) of the word, in pixels, x1 and y1 exclusive; it may leave the page.
    """
    ink = make_ink(text, font=font, height=height, rng=rng, style=style)
    return stamp(page, ink if colour is None else ink._replace(colour=colour), *at)


def stamp(page: np.ndarray, ink: Ink, x: int, y: int) -> Box:
    """Put ``ink`` on ``page`` with its top left corner at (x, y), cut at the page's edges; returns its box."""
    rows, columns = ink.cover.shape
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + columns, page.shape[1]), min(y + rows, page.shape[0])
    if x0 < x1 and y0 < y1:
        share = ink.cover[y0 - y : y1 - y, x0 - x : x1 - x, None].astype(np.float32) / 255
        region = page[y0:y1, x0:x1]
        region[:] = np.rint(region + share * (np.asarray(ink.colour, np.float32) - region)).astype(np.uint8)
    return x, y, x + columns, y + rows


def make_ink(text: str, *, font: str, height: int, rng: np.random.Generator, style: Style = "print") -> Ink:
    """Write ``text`` in one of the three styles; ``height`` is that of a Hangul letter in pixels.

    Raises:
        ValueError: the text leaves no ink, or the style is unknown.
    """
    if style == "print":
        cover, letters = _set_letters(text, font, height * EM_PER_LETTER)
        width = round(cover.shape[1] * rng.uniform(0.86, 1.0))  # documents often condense their letters
        cover, letters = _resize(cover, letters, width, cover.shape[0])
        dark = int(rng.integers(10, 60))
        return _cut(cover, letters, (dark, dark, dark))
    if style == "handwriting":
        cover, letters = _set_letters(text, font, 2 * height * EM_PER_LETTER, rng)
        cover = _pen(_sway(cover, height, rng), height, rng)
        cover, letters = _resize(cover, letters, max(1, cover.shape[1] // 2), max(1, cover.shape[0] // 2))
        return _cut(cover, letters, _PENS[int(rng.integers(len(_PENS)))])
    if style == "scene":
        cover, letters = _set_letters(text, font, height * EM_PER_LETTER)
        cover = _embolden(cover, int(rng.integers(0, 1 + max(1, height // 12))))
        cover, letters = _tilt(cover, letters, rng)
        return _cut(cover, letters, (20, 20, 20))
    raise ValueError(f"unknown style {style!r}")


_PENS = ((25, 25, 30), (35, 35, 45), (20, 35, 120), (30, 60, 160), (60, 55, 55), (170, 30, 40))


@lru_cache(maxsize=256)
def _font(font: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font_path(font)), size, layout_engine=ImageFont.Layout.BASIC)


class _Glyph(NamedTuple):
    advance: float
    tile: np.ndarray  # (1.5 size, advance + size / 2) uint8, read-only


@lru_cache(maxsize=4096)
def _glyph(letter: str, font: str, size: int) -> _Glyph:
    face = _font(font, size)
    advance = face.getlength(letter)
    tile = Image.new("L", (round(advance) + size // 2, size * 3 // 2))
    ImageDraw.Draw(tile).text((size // 4, 0), letter, fill=255, font=face)
    return _Glyph(advance, np.asarray(tile))


def _set_letters(
    text: str, font: str, size: float, rng: np.random.Generator | None = None
) -> tuple[np.ndarray, list[Box]]:
    """Set letter after letter on one line; with ``rng`` each leaves the line a little, as a hand lets it.

    Returns (H, W) uint8 with a margin all around, and the letters' boxes in it.
    """
    size = max(round(size), 4)
    glyphs = [_glyph(letter, font, size) for letter in text]
    margin = size // 3
    width = round(sum(glyph.advance for glyph in glyphs) * 1.05) + size + 2 * margin
    canvas = np.zeros((2 * size + 2 * margin, width), np.uint8)
    pen, boxes = float(margin), []
    for advance, tile in glyphs:
        x, y = round(pen), margin
        if rng is not None:
            tile = _slant(tile, size, rng)
            y += round(rng.normal(0, 0.04) * size)
            advance *= rng.uniform(0.84, 1.04)
        region = canvas[y : y + tile.shape[0], x : x + tile.shape[1]]
        np.maximum(region, tile, out=region)
        left, top, width, height = cv2.boundingRect(tile)
        boxes.append((x + left, y + top, x + left + width, y + top + height))
        pen += advance
    return canvas, boxes


def _slant(tile: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Turn, lean and scale one letter around its middle."""
    turn, lean = rng.normal(0, 0.05), rng.normal(-0.06, 0.06)
    wide, tall = rng.uniform(0.82, 1.02), rng.uniform(0.82, 1.05)
    matrix = np.array([[wide * np.cos(turn), lean - np.sin(turn)], [np.sin(turn), tall * np.cos(turn)]])
    middle = np.array([tile.shape[1] / 2, size * 0.7])
    return cv2.warpAffine(tile, np.column_stack([matrix, middle - matrix @ middle]), tile.shape[::-1])


def _sway(cover: np.ndarray, height: int, rng: np.random.Generator) -> np.ndarray:
    """Shift every point by a smooth random field, so that straight strokes bend."""
    rows, columns = cover.shape
    grid = (2 + 2 * rows // (2 * height), 2 + 2 * columns // (2 * height))
    knots = rng.normal(0, 0.045 * 2 * height, size=(*grid, 2)).astype(np.float32)
    shift = cv2.resize(knots, (columns, rows), interpolation=cv2.INTER_CUBIC)
    x = np.arange(columns, dtype=np.float32) + shift[..., 0]
    y = np.arange(rows, dtype=np.float32)[:, None] + shift[..., 1]
    return cv2.remap(cover, x, y, cv2.INTER_LINEAR)


def _pen(cover: np.ndarray, height: int, rng: np.random.Generator) -> np.ndarray:
    """Round the strokes and give them the width and the uneven flow of a pen."""
    soft = cv2.GaussianBlur(cover, (0, 0), height * rng.uniform(0.035, 0.05)).astype(np.float32)
    level = rng.uniform(45, 75)
    flow = cv2.resize(rng.uniform(0.75, 1.0, size=(2, 8)).astype(np.float32), cover.shape[::-1])
    return (np.clip((soft - level) * 6, 0, 255) * flow).astype(np.uint8)


def _embolden(cover: np.ndarray, width: int) -> np.ndarray:
    return cv2.dilate(cover, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width + 1, width + 1)))


def _tilt(cover: np.ndarray, letters: list[Box], rng: np.random.Generator) -> tuple[np.ndarray, list[Box]]:
    """See the word from the side: a mild perspective of its four corners; the letters' boxes follow."""
    rows, columns = cover.shape
    corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    moved = corners + rng.uniform(-0.07, 0.07, size=(4, 2)).astype(np.float32) * rows
    moved -= moved.min(axis=0)
    width, height = (int(v) for v in np.ceil(moved.max(axis=0)))
    matrix = cv2.getPerspectiveTransform(corners, moved)
    return cv2.warpPerspective(cover, matrix, (width, height)), [_moved(box, matrix) for box in letters]


def _moved(box: Box, matrix: np.ndarray) -> Box:
    x0, y0, x1, y1 = box
    quad = np.array([[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]], np.float32)
    points = cv2.perspectiveTransform(quad, matrix)[0]
    (left, top), (right, bottom) = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
    return int(left), int(top), int(right), int(bottom)


def _resize(cover: np.ndarray, letters: list[Box], width: int, height: int) -> tuple[np.ndarray, list[Box]]:
    across, down = width / cover.shape[1], height / cover.shape[0]
    boxes = [(int(a * across), int(b * down), -int(-c * across // 1), -int(-d * down // 1)) for a, b, c, d in letters]
    return cv2.resize(cover, (width, height), interpolation=cv2.INTER_AREA), boxes


def _cut(cover: np.ndarray, letters: list[Box], colour: tuple[int, int, int]) -> Ink:
    """Cut the word tight around its visible ink."""
    x, y, width, height = cv2.boundingRect((cover >= VISIBLE).astype(np.uint8))
    if width == 0:
        raise ValueError("the text leaves no ink")
    right, bottom = x + width, y + height
    inside = [(max(a, x) - x, max(b, y) - y, min(c, right) - x, min(d, bottom) - y) for a, b, c, d in letters]
    return Ink(np.ascontiguousarray(cover[y:bottom, x:right]), colour, tuple(inside))


def paper(shape: tuple[int, int], rng: np.random.Generator, grain: int = 3) -> np.ndarray:
    """Blank paper, (H, W, 3) uint8 RGB: nearly white, a little uneven, grainy by at most ``grain`` of 255."""
    tone = rng.uniform(238, 253) - rng.uniform(0, (2, 4, 10))
    light = cv2.resize(rng.uniform(-4, 2, size=(3, 3)).astype(np.float32), shape[::-1])
    grey = light + rng.integers(-grain, grain + 1, size=shape, dtype=np.int8)
    return cv2.merge([cv2.convertScaleAbs(grey, beta=float(channel)) for channel in tone])


def scene_surface(shape: tuple[int, int], rng: np.random.Generator) -> tuple[np.ndarray, tuple[int, int, int]]:
    """A coloured, unevenly lit surface (H, W, 3) uint8 RGB, and an RGB colour that stands out against it."""
    base = rng.uniform(25, 230) + rng.normal(0, 32, size=3)
    patches = rng.uniform(-18, 18, size=(4, 5, 1)) + rng.uniform(-6, 6, size=(4, 5, 3))
    light = cv2.resize(patches.astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
    grain = rng.integers(-8, 9, size=shape, dtype=np.int8)
    surface = np.clip(base + light + grain[..., None], 0, 255).astype(np.uint8)
    return surface, contrasting(base, rng)


def contrasting(base: np.ndarray, rng: np.random.Generator) -> tuple[int, int, int]:
    """A colour (RGB) whose lightness is far from that of ``base``."""
    luma = float(base @ (0.299, 0.587, 0.114))
    colour = rng.uniform(0, 60, size=3) if luma > 128 else rng.uniform(195, 255, size=3)
    colour[int(rng.integers(3))] = rng.uniform(0, 110) if luma > 128 else rng.uniform(145, 255)
    return int(colour[0]), int(colour[1]), int(colour[2])


def camera(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What a camera adds: a slight blur and sensor noise."""
    soft = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 0.9))
    noise = rng.integers(-6, 7, size=picture.shape, dtype=np.int8)
    return np.clip(soft.astype(np.int16) + noise, 0, 255).astype(np.uint8)
