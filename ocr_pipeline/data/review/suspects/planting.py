"""Errors planted in the labels of a page: what people do wrong, drawn by a seed, each with its kind."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from ocr_pipeline.data.review.suspects.letters import LOOK_ALIKES, jamo
from ocr_pipeline.data.review.suspects.suspect import Kind
from ocr_pipeline.page import Word, nfc

_ALIKE_JAMO = ("ᄀᄏᄁ", "ᄃᄐᄄ", "ᄇᄑᄈ", "ᄉᄌᄎᄊ", "ᄋᄒ", "ᄅᄐ", "ᅡᅣᅥ", "ᅥᅧ", "ᅩᅭᅮ", "ᅮᅲᅳ", "ᅢᅦᅤ", "ᆨᆿ", "ᆫᆯ", "ᆷᆼ", "ᆺᆻᆽ")
_BLOCKS = (range(0x1100, 0x1113), range(0x1161, 0x1176), range(0x11A8, 0x11C3))
_RUNS = (2, 5, 12)  # words that move together
PLANTED: tuple[Kind, ...] = ("jamo", "shifted", "space", "case", "width", "lookalike", "cut", "merged")
"""The kinds that change texts alone, so that no picture has to be read again."""


class Planted(NamedTuple):
    """The words of a page with their errors, and the kind of each by the word's place."""

    words: tuple[Word, ...]
    errors: dict[int, Kind]


def plant(words: Sequence[Word], rng: random.Random, share: float, kinds: Sequence[Kind] = PLANTED) -> Planted:
    """Plant errors in a share of the readable words, at most one in each.

    Args:
        kinds: drawn from evenly; a word that cannot have the one drawn gets none.
    """
    changed, errors = list(words), dict[int, Kind]()
    wanted = sum(rng.random() < share for word in words if word.state == "ok")
    for _ in range(20 * wanted):
        if len(errors) >= wanted:
            break
        kind, place = rng.choice(kinds), rng.randrange(len(words))
        for other, text in _changes(kind, place, changed, errors, rng).items():
            changed[other], errors[other] = replace(changed[other], text=text, raw_text=None), kind
    return Planted(tuple(changed), errors)


def _changes(kind: Kind, place: int, words: list[Word], errors: dict[int, Kind], rng: random.Random) -> dict[int, str]:
    """The new texts of one error, by place; none where it cannot be made here."""
    if kind == "shifted":
        return _rotated(place, words, errors, rng)
    if place in errors or words[place].state != "ok":
        return {}
    if kind == "merged":
        text = words[place].text[: len(words[place].text) // 2]
    elif kind == "cut":
        text = words[place].text + words[(place + 1) % len(words)].text
    else:
        text = _TYPED[kind](words[place].text, rng)
    return {place: nfc(text)} if text.strip() and nfc(text) != words[place].text else {}


def _rotated(place: int, words: list[Word], errors: dict[int, Kind], rng: random.Random) -> dict[int, str]:
    """A run of words whose labels moved on by one; where two neighbours say the same, nothing has happened."""
    run = range(place, min(place + rng.choice(_RUNS), len(words)))
    if len(run) < 2 or any(other in errors or words[other].state != "ok" for other in run):
        return {}
    texts = [words[other].text for other in run]
    moved = dict(zip(run, texts[1:] + texts[:1], strict=True))
    return {other: text for other, text in moved.items() if text != words[other].text}


def _jamo(text: str, rng: random.Random) -> str:
    """One jamo of the text is another of its place in the syllable: half of the time one that looks like it."""
    parts = list(jamo(text))
    places = [(place, block) for place, part in enumerate(parts) for block in _BLOCKS if ord(part) in block]
    if not places:
        return text
    place, block = rng.choice(places)
    near = "".join(group for group in _ALIKE_JAMO if parts[place] in group)
    others = near if near and rng.random() < 0.5 else "".join(map(chr, block))
    parts[place] = rng.choice([other for other in others if other != parts[place]])
    return "".join(parts)


def _space(text: str, rng: random.Random) -> str:
    if " " in text.strip():
        return text.replace(" ", "", 1)
    place = rng.randrange(1, len(text)) if len(text) > 1 else 0
    return f"{text[:place]} {text[place:]}" if place else text


def _case(text: str, _: random.Random) -> str:
    return text.swapcase()


def _width(text: str, _: random.Random) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


def _lookalike(text: str, rng: random.Random) -> str:
    places = [(place, group) for place, letter in enumerate(text) for group in LOOK_ALIKES if letter in group]
    if not places:
        return text
    place, group = rng.choice(places)
    return text[:place] + rng.choice([other for other in group if other != text[place]]) + text[place + 1 :]


_TYPED: dict[Kind, Callable[[str, random.Random], str]] = {
    "jamo": _jamo,
    "space": _space,
    "case": _case,
    "width": _width,
    "lookalike": _lookalike,
}
