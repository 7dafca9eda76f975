"""One page for a detector of words, as its seed and its index decide: a sheet, a scene, a screen, or no text at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ocr_pipeline.data.synthetic.faces import Face
from ocr_pipeline.data.synthetic.pages import optics, papers, screens, streets
from ocr_pipeline.data.synthetic.pages.case import TypeCase
from ocr_pipeline.data.synthetic.pages.grounds import Size
from ocr_pipeline.data.synthetic.pages.lettering import LEAST_HEIGHT, DrawnWord, height_of
from ocr_pipeline.data.synthetic.pages.surface import Pixels, Surface

KINDS: dict[str, float] = {
    "document": 0.16,
    "form": 0.13,
    "receipt": 0.08,
    "note": 0.1,
    "screen": 0.11,
    "scene": 0.3,
    "empty": 0.12,
}
"""Share of each kind among the pages."""

SMALLEST_SIDE = 256  # pixels; what is smaller has no room for words


class DrawnPage(NamedTuple):
    """A picture (H, W, 3) uint8 RGB and its words; ``unclear`` are too small to be learnt.

    Attributes:
        kind: one of ``KINDS``.
    """

    pixels: Pixels
    words: tuple[DrawnWord, ...]
    unclear: tuple[DrawnWord, ...]
    kind: str


def draw_page(
    seed: int, index: int, faces: Sequence[Face], side: int = 512, kinds: Sequence[str] = tuple(KINDS)
) -> DrawnPage:
    """Page number ``index``; it depends on nothing but the arguments.

    Args:
        faces: to set the letters in, in this order.
        side: the shorter side in pixels; letters are 6 to 130 pixels high, on boards as large as the board allows.
        kinds: those of ``KINDS`` that come, with their shares among each other.
    """
    rng = np.random.Generator(np.random.PCG64([seed, index]))
    shares = np.array([KINDS[kind] for kind in kinds])
    kind = str(rng.choice(list(kinds), p=shares / shares.sum()))
    longer = round(side * rng.uniform(1, 1.45))
    upright = rng.random() < (0.35 if kind in ("scene", "empty") else 0.75)
    surface = _surface(kind, (side, longer) if upright else (longer, side), TypeCase(faces, rng))
    heights = [height_of(word.quad) for word in surface.words]
    pixels = surface.pixels
    if kind != "screen" or rng.random() < 0.3:
        pixels = optics.lit(pixels, rng)
    if rng.random() < 0.8:
        pixels = optics.taken(pixels, rng, float(np.quantile(heights, 0.1)) if heights else 20.0)
    seen = [(word, height) for word, height in zip(surface.words, heights, strict=True) if _inside(word, surface)]
    words = tuple(word for word, height in seen if height >= LEAST_HEIGHT)
    return DrawnPage(pixels, words, tuple(word for word, height in seen if height < LEAST_HEIGHT), kind)


def _surface(kind: str, size: Size, case: TypeCase) -> Surface:
    rng = case.rng
    if kind == "empty":
        return streets.nothing(size, case)
    if kind == "scene":
        return streets.scene(size, case)
    draw = papers.SHEETS[kind] if kind in papers.SHEETS else screens.SCREENS[int(rng.integers(len(screens.SCREENS)))]
    surface = draw(size, case)
    if kind != "screen" and case.chance(0.35):
        optics.folded(surface, rng)
    return optics.on_a_desk(surface, rng) if case.chance(0.2 if kind == "screen" else 0.55) else surface


def _inside(word: DrawnWord, surface: Surface) -> bool:
    """Whether at least a part of the word is on the picture."""
    low, high = word.quad.min(axis=0), word.quad.max(axis=0)
    return bool((high > 1).all() and (low < (surface.width - 1, surface.height - 1)).all())
