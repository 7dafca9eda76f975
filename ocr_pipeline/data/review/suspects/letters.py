"""Texts taken apart into jamo, and the foldings under which two texts look alike."""

from __future__ import annotations

import re
import unicodedata

_COMPATIBILITY = "".join(map(chr, range(0x3131, 0x3164)))
_CONJOINING = str.maketrans({letter: unicodedata.normalize("NFKD", letter) for letter in _COMPATIBILITY})
_HANJA = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_HANGUL = re.compile("[가-힣]")

LOOK_ALIKES = ("0OoㅇО○〇", "1lI|ㅣ丨", "-–—―ㅡ一−", "ㅁ口□", ".·ㆍ・", "'‘’`′", '"“”″', "xX×", "~∼〜")
"""Letters that nobody can tell apart in many faces; which of them a set writes is its convention."""

_ALIKE = str.maketrans({letter: group[0] for group in LOOK_ALIKES for letter in group})


def jamo(text: str) -> str:
    """The letters of a text one by one, Hangul as conjoining jamo; single letters (ㅇ) as the jamo that they are."""
    return unicodedata.normalize("NFD", text.translate(_CONJOINING))


def without_spaces(text: str) -> str:
    """The text without any white space."""
    return "".join(text.split())


def narrow(text: str) -> str:
    """Full-width, circled and other compatible forms as the plain letters that they stand for (NFKC)."""
    return unicodedata.normalize("NFKC", text)


def alike(text: str) -> str:
    """The text with one letter in the place of all that look like it."""
    return narrow(text.translate(_ALIKE)).translate(_ALIKE)


def is_hanja_as_hangul(label: str, reading: str) -> bool:
    """Whether two texts of equal length differ only where one has Hanja and the other Hangul."""
    if len(label) != len(reading) or label == reading:
        return False
    differing = ("".join(pair) for pair in zip(label, reading, strict=True) if pair[0] != pair[1])
    return all(_HANJA.search(pair) and _HANGUL.search(pair) for pair in differing)
