"""What is taken for what: syllables, and the letters of a syllable by their position in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

from ocr_pipeline.page import nfc

FIRSTS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
LASTS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_FIRST_SYLLABLE, _SYLLABLES = 0xAC00, len(FIRSTS) * len(VOWELS) * len(LASTS)
_WEIGHT = 1_000_000  # of an edit: the fewest come first
_EDIT = 3  # more for one that is no syllable for a syllable; else 1 for each letter, so that like stands by like

Kind = Literal["first", "vowel", "last", "character"]
EXAMPLES = 5


class Edit(NamedTuple):
    """A character of the truth and what was read in its place; either may be empty (left out, put in)."""

    truth: str
    said: str


class Confusion(msgspec.Struct, frozen=True):
    """One thing taken for another.

    Attributes:
        kind: ``first``, ``vowel`` and ``last`` are letters of a syllable, ``character`` is any whole character.
        truth, said: either is empty where something was left out or put in.
        times: how often.
        of: how often the truth occurs in all texts (0 for what was put in).
        examples: the places of the first few texts where it happened.
    """

    kind: Kind
    truth: str
    said: str
    times: int
    of: int
    examples: tuple[int, ...]


def letters_of(character: str) -> tuple[str, str, str] | None:
    """First consonant, vowel and last consonant (may be empty) of a Hangul syllable; None for anything else."""
    place = ord(character) - _FIRST_SYLLABLE if len(character) == 1 else -1
    if not 0 <= place < _SYLLABLES:
        return None
    first, rest = divmod(place, len(VOWELS) * len(LASTS))
    vowel, last = divmod(rest, len(LASTS))
    return FIRSTS[first], VOWELS[vowel], LASTS[last]


def edits(truth: str, said: str) -> list[Edit]:
    """The fewest edits that make one text the other; of several such ways the one that changes fewest letters."""
    costs = _costs(truth, said)
    row, column, made = len(truth), len(said), list[Edit]()
    while row or column:
        here = costs[row][column]
        if row and column and here == costs[row - 1][column - 1] + _cost(truth[row - 1], said[column - 1]):
            row, column = row - 1, column - 1
            if truth[row] != said[column]:
                made.append(Edit(truth[row], said[column]))
        elif row and here == costs[row - 1][column] + _cost(truth[row - 1], ""):
            row -= 1
            made.append(Edit(truth[row], ""))
        else:
            column -= 1
            made.append(Edit("", said[column]))
    return made[::-1]


def confusions(pairs: Iterable[tuple[str, str]]) -> list[Confusion]:
    """All confusions of (truth, said) pairs, most frequent first."""
    places: dict[tuple[Kind, str, str], list[int]] = {}
    known: dict[tuple[Kind, str], int] = {}
    for place, (truth, said) in enumerate(pairs):
        truth, said = nfc(truth), nfc(said)
        for character in truth:
            for kind, letter in _parts(character):
                known[kind, letter] = known.get((kind, letter), 0) + 1
        for edit in edits(truth, said) if truth != said else ():
            for kind, true_letter, said_letter in _differences(edit):
                places.setdefault((kind, true_letter, said_letter), []).append(place)
    found = [
        Confusion(kind, truth, said, len(where), known.get((kind, truth), 0), tuple(dict.fromkeys(where))[:EXAMPLES])
        for (kind, truth, said), where in places.items()
    ]
    return sorted(found, key=lambda each: (-each.times, each.kind, each.truth, each.said))


def _parts(character: str) -> list[tuple[Kind, str]]:
    letters = letters_of(character)
    whole: list[tuple[Kind, str]] = [("character", character)]
    return whole if letters is None else [*whole, ("first", letters[0]), ("vowel", letters[1]), ("last", letters[2])]


def _differences(edit: Edit) -> list[tuple[Kind, str, str]]:
    """The edit itself and, between two syllables, the letters that differ."""
    whole: list[tuple[Kind, str, str]] = [("character", *edit)]
    truth, said = letters_of(edit.truth), letters_of(edit.said)
    if truth is None or said is None:
        return whole
    kinds: tuple[Kind, ...] = ("first", "vowel", "last")
    return whole + [(kind, a, b) for kind, a, b in zip(kinds, truth, said, strict=True) if a != b]


def _cost(truth: str, said: str) -> int:
    if truth == said:
        return 0
    truths, saids = letters_of(truth), letters_of(said)
    if truths is None or saids is None:
        return _WEIGHT + _EDIT
    return _WEIGHT + sum(a != b for a, b in zip(truths, saids, strict=True))


def _costs(truth: str, said: str) -> list[list[int]]:
    """Least cost of making each beginning of one text each beginning of the other (Wagner and Fischer 1974)."""
    rows = [[column * (_WEIGHT + _EDIT) for column in range(len(said) + 1)]]
    for letter in truth:
        above, row = rows[-1], [rows[-1][0] + _WEIGHT + _EDIT]
        for column, other in enumerate(said):
            by_edit = min(above[column + 1], row[column]) + _WEIGHT + _EDIT
            row.append(min(above[column] + _cost(letter, other), by_edit))
        rows.append(row)
    return rows
