"""What is suspicious on a page: each label held against what was read in its box, and against its neighbours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from rapidfuzz.distance import Levenshtein

from ocr_pipeline.data.review.suspects.judging import guessed_odds, is_same, kind_of, similarity
from ocr_pipeline.data.review.suspects.letters import jamo
from ocr_pipeline.data.review.suspects.shifts import shifted
from ocr_pipeline.data.review.suspects.suspect import Found, Kind, Reading, SeenPage, SeenWord

Likelihood = Callable[[Sequence[tuple[int, str]]], list[float]]
"""(place of a word on its page, a text) pairs -> the logarithm of how probable it is that the crop says this text; NaN
where the reader cannot tell."""

AGREED = 3.0  # nats that a second reader adds that agrees with the first one against the label
OPPOSED = -6.0  # and that it takes away where it reads what the label says
MOVED = 3.0  # for a label that fits another word of the page
EMPTY = 12.0  # for a label where nothing is drawn
_COVERED = 0.2  # share of a box below which detections say that no text is there
_UNLIKE = 0.5  # similarity below which a reading has nothing to do with the label
_MOST = 30.0  # nats
_FURTHER = math.log(10)  # nats that each further letter (jamo) takes away: of who mistyped one, one in ten mistyped two
_ANOTHER = 2  # further letters at most that count: beyond them another word was written
_EACH_SURE = 10.0  # nats of a detection that is sure, read by a reader that is


def find_suspects(page: SeenPage, likelihood: Likelihood | None = None) -> list[Found]:
    """The suspicions on a page, one for each word at most.

    Args:
        likelihood: of the first reader; None where it only tells how sure it is.
    """
    wrong = [place for place, seen in enumerate(page.words) if _is_other(seen)]
    odds = _odds(page.words, wrong, likelihood)
    moved = _moved(page.words)
    found = [_judged(page.words[place], place, odds[place], moved.get(place)) for place in wrong]
    return [*found, *_strays(page)]


def _is_other(seen: SeenWord) -> bool:
    return seen.word.state == "ok" and (seen.is_flat or not is_same(seen.word.text, seen.readings[0].text))


def _odds(words: Sequence[SeenWord], places: Sequence[int], likelihood: Likelihood | None) -> dict[int, float]:
    """How much more the picture speaks for the first reading than for the label."""
    labels, readings = [words[place].word.text for place in places], [words[place].readings[0] for place in places]
    asked = [*zip(places, labels, strict=True), *zip(places, (text for text, _ in readings), strict=True)]
    said = likelihood(asked) if likelihood and asked else [math.nan] * len(asked)
    gains = (read - label for label, read in zip(said[: len(places)], said[len(places) :], strict=True))
    believed = map(_believed, gains, labels, readings)
    return dict(zip(places, believed, strict=True))


def _believed(gain: float, label: str, reading: Reading) -> float:
    """What a reader's odds are worth, in nats; guessed by its confidence where it cannot tell them.

    A reader that is not sure of its own reading (an odd hand, a line too long for it) finds every label improbable: so
    it counts by the square of its confidence, and never for more than `_MOST`. In a word that is hard to read its
    faults come together, and each adds to the odds, while people mistype one letter: so further ones count for less.
    """
    told = guessed_odds(label, *reading) if math.isnan(gain) else min(gain, _MOST) * reading.confidence**2
    return told - _FURTHER * _further(label, reading.text)


def _further(label: str, reading: str) -> int:
    """How many letters (jamo) differ beside the first one, at most `_ANOTHER`."""
    differing = Levenshtein.distance(jamo(label), jamo(reading), score_cutoff=_ANOTHER)
    return min(max(differing - 1, 0), _ANOTHER)


def _moved(words: Sequence[SeenWord]) -> dict[int, int]:
    """Labels that moved along the page, in the order of the label file or by rows."""
    told = [place for place, seen in enumerate(words) if seen.word.state == "ok"]
    found: dict[int, int] = {}
    for order in (told, sorted(told, key=lambda place: _row(words[place]))):
        labels, readings = (
            [words[place].word.text for place in order],
            [words[place].readings[0].text for place in order],
        )
        found |= {order[place]: order[source] for place, source in shifted(labels, readings).items()}
    return found


def _row(seen: SeenWord) -> tuple[int, float]:
    """Where a word lies in reading order, roughly: its row of a height, and how far to the right."""
    ys = [y for _, y in seen.word.quad]
    height = max(max(ys) - min(ys), 1.0)
    return round(sum(ys) / 4 / height), min(x for x, _ in seen.word.quad)


def _judged(seen: SeenWord, place: int, odds: float, source: int | None) -> Found:
    first = seen.readings[0]
    if seen.is_flat:
        return Found(place, "empty", "", EMPTY)
    if source is not None:
        return Found(place, "shifted", first.text, odds + MOVED + _others(seen))
    kind: Kind = kind_of(seen.word.text, first.text)
    if kind in ("other", "cut") and _shows_no_text(seen):
        return Found(place, "no_text", "", EMPTY * (1 - similarity(seen.word.text, first.text)))
    return Found(place, kind, first.text, odds + _others(seen))


def _shows_no_text(seen: SeenWord) -> bool:
    near = max(similarity(seen.word.text, reading.text) for reading in seen.readings)
    return seen.covered is not None and seen.covered < _COVERED and near < _UNLIKE


def _others(seen: SeenWord) -> float:
    """What further readers say of the first one's word."""
    first, *others = seen.readings
    agreed = sum(is_same(other.text, first.text) for other in others)
    opposed = sum(is_same(other.text, seen.word.text) for other in others)
    return AGREED * agreed + OPPOSED * opposed


def _strays(page: SeenPage) -> Iterator[Found]:
    for place, stray in enumerate(page.strays):
        if stray.reading.text:
            evidence = _EACH_SURE * stray.score * stray.reading.confidence
            yield Found(place, "unlabelled", stray.reading.text, evidence)
