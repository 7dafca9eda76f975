"""What a label's characters tell: their script, and what makes a label suspicious."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache

KINDS: dict[str, str] = {
    "not_nfc": "stored in another form than NFC (decomposed Hangul, compatibility ideographs); learnt as NFC",
    "private_use": "holds private-use characters, which no font and no tokenizer agrees on",
    "compatibility": "holds compatibility characters (㎡, ①, full-width forms), which look like others",
    "split_jamo": "Hangul typed as single letters (국ㅇㄴ) in a set where nobody writes so",
    "unprintable": "holds control, zero-width, unassigned or replacement characters",
}
"""Suspicions, and what each means."""

WITH_JAMO = frozenset({"handwriting"})
"""Sets in which single letters are written on purpose (``ㅇ_ㅇ``, ``ㅋㅋ``)."""

_PLAIN = re.compile(r"[ -~가-힣一-鿿]*")
_COMPATIBILITY_JAMO = range(0x3131, 0x318F)
_COMPATIBILITY_IDEOGRAPHS = (range(0xF900, 0xFB00), range(0x2F800, 0x2FA20))
# A letter after a syllable, two letters that would have made a syllable, or a conjoining letter that NFC left over;
# a single letter before a syllable is a bullet (ㅇ추진배경).
_SPLIT = re.compile(r"[가-힣][ㄱ-ㅣ]|[ㄱ-ㅎ][ㅏ-ㅣ]|[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]")


def suspicions(text: str, raw: str | None, dataset: str) -> Iterator[str]:
    """The kinds of `KINDS` that hold for a label.

    Args:
        text: in NFC.
        raw: as it stands in the label file, where NFC changed it.
    """
    if raw is None and _PLAIN.fullmatch(text):
        return
    if raw is not None:
        yield "not_nfc"
    kinds = {_kind(character) for character in raw or text}
    yield from sorted(kind for kind in kinds if kind)
    if dataset not in WITH_JAMO and _SPLIT.search(text):
        yield "split_jamo"


@cache
def _kind(character: str) -> str:
    category, code = unicodedata.category(character), ord(character)
    if category == "Co":
        return "private_use"
    if category in ("Cc", "Cf", "Cs", "Cn") or character == "\ufffd":
        return "unprintable"
    compatible = unicodedata.decomposition(character).startswith("<") and code not in _COMPATIBILITY_JAMO
    return "compatibility" if compatible or any(code in block for block in _COMPATIBILITY_IDEOGRAPHS) else ""


_GROUPS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("Hangul", re.compile("[가-힣]")),
    ("jamo", re.compile("[\u1100-\u11ff\u3131-\u318e\ua960-\ua97f\ud7b0-\ud7ff]")),
    ("Hanja", re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")),
    ("Latin", re.compile("[A-Za-z\u00c0-\u024f]")),
    ("digits", re.compile("[0-9]")),
    ("ASCII signs", re.compile("[ -~]")),
)


def character_groups(characters: Mapping[str, int]) -> dict[str, int]:
    """Characters by script, with how often they occur together."""
    groups = dict.fromkeys([*(name for name, _ in _GROUPS), "other"], 0)
    for character, count in characters.items():
        groups[next((name for name, pattern in _GROUPS if pattern.match(character)), "other")] += count
    return groups
