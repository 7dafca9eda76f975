"""Text as ink: letter after letter in one face, as a machine sets it, a typewriter strikes it or a hand writes it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from ocr_pipeline.data.synthetic.faces import Face

Box = tuple[int, int, int, int]

_UPRIGHT_PARTS = re.compile(r"(?<!\d)\d\d(?!\d)|.")  # two figures stand side by side
_TURNED = frozenset("()[]{}<>「」『』【】《》〈〉-~〜–—…:=|_")  # what lies down where a line goes down


class Lettering(NamedTuple):
    """A line of text before it is put on anything.

    Attributes:
        cover: (H, W) uint8, 0 where the ground shows, 255 where the ink hides it.
        boxes: where each inked letter is, (x0, y0, x1, y1) within ``cover``.
    """

    cover: np.ndarray
    boxes: list[Box]

    def weights(self) -> np.ndarray:
        """How much ink each letter has, for whoever must not lose one."""
        return np.array([self.cover[y0:y1, x0:x1].sum(dtype=np.int64) for x0, y0, x1, y1 in self.boxes], np.float64)


class _Glyph(NamedTuple):
    mask: np.ndarray  # (h, w) uint8
    left: int
    top: int
    advance: float


@lru_cache(maxsize=30_000)
def _glyph(face: Face, size: int, letter: str) -> _Glyph:
    font = face.sized(size)
    mask, (left, top) = font.getmask2(letter, mode="L")
    columns, rows = mask.size
    tile = np.frombuffer(bytes(mask), np.uint8).reshape(rows, columns)
    return _Glyph(tile, int(left), int(top), font.getlength(letter))


def machine_set(text: str, face: Face, size: int, rng: np.random.Generator) -> Lettering:
    """Letters on one baseline, set a little closer or wider than the face wants it; ``size`` in pixels per em."""
    gap = rng.uniform(-0.06, 0.3) if rng.random() < 0.25 else rng.normal(0, 0.015)
    space = rng.uniform(0.7, 1.6)
    placed, x = [], 0.0
    for letter in text:
        glyph = _glyph(face, size, letter)
        placed.append((glyph.mask, round(x) + glyph.left, glyph.top))
        x += glyph.advance * (space if letter == " " else 1.0) + gap * size
    return _laid_down(placed)


def type_struck(text: str, face: Face, size: int, rng: np.random.Generator) -> Lettering:
    """As a typewriter strikes: each letter in a cell of its own, a little high or low, turned, pressed more or less."""
    cell = _glyph(face, size, "한").advance * rng.uniform(0.92, 1.15)
    turning, jump, softest = rng.uniform(0, 0.03), rng.uniform(0.01, 0.05), rng.uniform(0.45, 0.9)
    placed, x = [], 0.0
    for letter in text:
        glyph = _glyph(face, size, letter)
        width = cell if glyph.advance > 0.7 * cell else 0.55 * cell
        mask, shift = _bent(glyph.mask, 1.0, 1.0, 0.0, rng.normal(0, turning))
        pressed = (mask * rng.uniform(softest, 1.0)).astype(np.uint8)
        left = x + (width - glyph.advance) / 2 + glyph.left
        placed.append((pressed, round(left) - shift, glyph.top + round(rng.normal(0, jump) * size) - shift))
        x += width
    return _laid_down(placed)


def upright_set(text: str, face: Face, size: int, rng: np.random.Generator) -> Lettering:
    """From top to bottom, as signs and the backs of books have it: Hangul stands, brackets and dashes lie down."""
    gap, space = rng.uniform(0.0, 0.3) * size, rng.uniform(0.35, 0.8) * size
    placed, y = [], 0.0
    for part in _UPRIGHT_PARTS.findall(text):
        if part == " ":
            y += space
            continue
        masks = [_glyph(face, size, letter).mask for letter in part]
        masks = [np.ascontiguousarray(np.rot90(mask, -1)) for mask in masks] if part in _TURNED else masks
        x = -sum(mask.shape[1] + 1 for mask in masks) / 2
        for mask in masks:
            placed.append((mask, round(x), round(y + (size - mask.shape[0]) / 2)))
            x += mask.shape[1] + 1
        y += size + gap
    return _laid_down(placed)


def hand_set(text: str, face: Face, size: int, rng: np.random.Generator) -> Lettering:
    """As a hand writes: every letter leans, grows and leaves the line a little, and the baseline drifts."""
    slant, turning, growing = rng.normal(0.06, 0.13), rng.uniform(0.01, 0.09), rng.uniform(0.02, 0.14)
    drift, jump = rng.uniform(-0.06, 0.06), rng.uniform(0.01, 0.07)
    gaps = rng.uniform(0.1, 0.5) if rng.random() < 0.12 else rng.uniform(-0.14, 0.16)
    wide = rng.uniform(0.75, 1.15)
    placed, x, level = [], 0.0, 0.0
    for letter in text:
        glyph = _glyph(face, size, letter)
        level += rng.normal(drift * 0.5, jump * 0.7)
        turn, grown = rng.normal(0, turning), 1 + rng.normal(0, growing)
        mask, shift = _bent(glyph.mask, wide * grown, grown, slant, turn)
        top = glyph.top + round(level * size + rng.normal(0, jump) * size * 0.5) - shift
        placed.append((mask, round(x + glyph.left * wide) - shift, top))
        x += wide * grown * glyph.advance * (rng.uniform(1, 1.8) if letter == " " else 1.0)
        x += (gaps + rng.normal(0, 0.03)) * size
    return _laid_down(placed)


def _bent(mask: np.ndarray, wide: float, tall: float, slant: float, turn: float) -> tuple[np.ndarray, int]:
    """One letter scaled, leaning and turned around its middle; and by how many pixels it may now overhang."""
    rows, columns = mask.shape
    if not rows or not columns:
        return mask, 0
    spare = 2 + max(rows, columns) // 4
    matrix = np.array([[wide, -slant - turn], [turn, tall]])
    size = (columns + 2 * spare, rows + 2 * spare)
    middle, target = np.array([columns / 2, rows / 2]), np.array([wide * columns / 2 + spare, rows / 2 + spare])
    return cv2.warpAffine(mask, np.column_stack([matrix, target - matrix @ middle]), size), spare


def _laid_down(placed: list[tuple[np.ndarray, int, int]]) -> Lettering:
    inked = [(mask, x, y) for mask, x, y in placed if mask.size]
    if not inked:
        raise ValueError("the text leaves no ink")
    left, top = min(x for _, x, _ in inked), min(y for _, _, y in inked)
    right, bottom = max(x + mask.shape[1] for mask, x, _ in inked), max(y + mask.shape[0] for mask, _, y in inked)
    cover, boxes = np.zeros((bottom - top, right - left), np.uint8), []
    for mask, x, y in inked:
        x0, y0 = x - left, y - top
        region = cover[y0 : y0 + mask.shape[0], x0 : x0 + mask.shape[1]]
        np.maximum(region, mask, out=region)
        boxes.append((x0, y0, x0 + mask.shape[1], y0 + mask.shape[0]))
    return Lettering(cover, boxes)
