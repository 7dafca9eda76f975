"""Kinds of words, by which a score is told apart: one number for all hides what fails."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping

from ocr_pipeline.evaluation.confusions import letters_of
from ocr_pipeline.page import Quad

LENGTHS = (1, 3, 6, 10)
HEIGHTS = (12, 20, 32, 48)
RARITIES = (0, 9, 99, 999)
TYPEFACES = {1: "printed", 2: "handwriting", 3: "handwriting", 4: "mixed"}
TILTED = 10  # degrees


def script(text: str) -> str:
    """Hangul, Hanja, Latin or figures, where all letters and figures of a text are that; else mixed, or signs."""
    scripts = {_script_of(character) for character in text} - {""}
    return scripts.pop() if len(scripts) == 1 else "mixed" if scripts else "signs"


def _script_of(character: str) -> str:
    if character.isdecimal():
        return "figures"
    if not character.isalpha():
        return ""
    name = unicodedata.name(character, "")
    kinds = {"HANGUL": "Hangul", "CJK": "Hanja", "LATIN": "Latin", "HALFWIDTH HANGUL": "Hangul", "FULLWIDTH": "Latin"}
    return next((kind for start, kind in kinds.items() if name.startswith(start)), "other")


def orientation(quad: Quad, text: str) -> str:
    """Whether a word of several characters runs downwards, and whether its upper edge is level."""
    (left, top), (right, upper), _, (below, bottom) = quad
    wide, high = math.hypot(right - left, upper - top), math.hypot(below - left, bottom - top)
    if len(text) > 1 and high >= 1.5 * wide:
        return "vertical"
    angle = abs(math.degrees(math.atan2(upper - top, right - left)))
    return "level" if angle <= TILTED else "tilted" if angle <= 90 else "upside down"


def height(quad: Quad) -> str:
    """Of the upright box around a word, in pixels of the page, across for vertical text."""
    xs, ys = [x for x, _ in quad], [y for _, y in quad]
    return within(round(min(max(ys) - min(ys), max(xs) - min(xs))), HEIGHTS)


def rarity(text: str, known: Mapping[str, int]) -> str:
    """How often the rarest syllable of a text is known."""
    counts = [known.get(character, 0) for character in text if letters_of(character)]
    return within(min(counts), RARITIES) if counts else "no syllable"


def within(number: int, ends: tuple[int, ...]) -> str:
    """The step of a ladder that a number stands on: ``2-3``."""
    low = 0
    for high in ends:
        if number <= high:
            return str(high) if low >= high else f"{low}-{high}"
        low = high + 1
    return f"{low}+"
