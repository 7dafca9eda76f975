"""What a keyboard, a word processor or another system makes of a command, read as it was meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

import click

from ocr_pipeline.settings import as_it_lies

_DASHES = "-‐‑‒–—―−"
_LETTERS = dict(zip("ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡ", "qwertyuiopasdfghjklzxcvbnm", strict=True))
_VOWELS = "ㅘㅗㅏ ㅙㅗㅐ ㅚㅗㅣ ㅝㅜㅓ ㅞㅜㅔ ㅟㅜㅣ ㅢㅡㅣ"
_FINALS = "ㄳㄱㅅ ㄵㄴㅈ ㄶㄴㅎ ㄺㄹㄱ ㄻㄹㅁ ㄼㄹㅂ ㄽㄹㅅ ㄾㄹㅌ ㄿㄹㅍ ㅀㄹㅎ ㅄㅂㅅ"
_KEYS = {each[0]: each[1:] for each in f"{_VOWELS} {_FINALS}".split()}  # letters of two keys


def as_meant(arguments: Iterable[str]) -> list[str]:
    """The arguments, with paths as they lie here.

    Raises:
        UsageError: a flag begins with a dash of a word processor, or with one dash for two.
        PipelineError: a path is one of Windows, or in quotes of a word processor.
    """
    return [_as_meant(argument) for argument in arguments]


def _as_meant(argument: str) -> str:
    name = argument.lstrip(_DASHES)
    if not argument.startswith(("-", name)):
        raise click.UsageError(f"{argument} begins with a dash of a word processor. Type --{name}")
    if re.match(r"-[a-z_]{3}", argument):
        raise click.UsageError(f"{argument} has one dash. Type --{name}")
    flag, equals, value = argument.partition("=") if argument.startswith("-") else ("", "", argument)
    return f"{flag}{equals}{as_it_lies(value, flag or 'command line')}"


def on_latin_keys(text: str) -> str:
    """What the same keys give when the keyboard is not on Hangul: ``ㅡㄷㄱㅎㄷ`` is merge."""
    keys = (key for letter in text for jamo in _jamo(letter) for key in _KEYS.get(jamo, jamo))
    return "".join(_LETTERS.get(key, key) for key in keys)


def _jamo(letter: str) -> Iterator[str]:
    """A syllable's letters, as they stand on the keys."""
    for part in unicodedata.normalize("NFD", letter):
        name = unicodedata.name(part, "")
        is_part = name.startswith(("HANGUL CHOSEONG", "HANGUL JUNGSEONG", "HANGUL JONGSEONG"))
        yield unicodedata.lookup(f"HANGUL LETTER {name.rpartition(' ')[2]}") if is_part else part
