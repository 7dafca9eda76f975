"""Labels that moved along the page: each word bears the text of one a few places before or after it.

The path of least cost through the words, with the offset as its hidden state (Viterbi): a word costs what its label
and the reading at that offset have not in common, and a change of the offset costs `_CHANGE`. Two words that exchanged
their labels are the shortest run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from ocr_pipeline.data.review.suspects.judging import is_same, similarity

_OFFSETS = (0, -1, 1, -2, 2, -3, 3)  # where two fit equally well, the first of them
_CHANGE = 0.3
_SURE = 0.8  # similarity of a label to the reading it is taken for
_SHORTEST = 2


def shifted(labels: Sequence[str], readings: Sequence[str]) -> dict[int, int]:
    """Which words bear the text of which other one, by their places.

    Args:
        labels, readings: of the words of a page, along the page.
    """
    wrong = [not is_same(*pair) for pair in zip(labels, readings, strict=True)]
    if sum(wrong) < _SHORTEST:
        return {}
    found: dict[int, int] = {}
    for run in _runs(_offsets(labels, readings)):
        moved = {place: place + offset for place, offset in run.items() if wrong[place]}
        sure = [place for place, source in moved.items() if similarity(labels[place], readings[source]) >= _SURE]
        if len(sure) >= _SHORTEST:
            found |= moved | _wrapped(run, labels, readings, wrong)
        elif sure:
            found |= _exchanged(sure, moved, run, labels, readings, wrong)
    return found


def _offsets(labels: Sequence[str], readings: Sequence[str]) -> list[int]:
    """The offset of each word on the path of least cost."""
    count, states = len(labels), len(_OFFSETS)
    costs = np.full((count, states), np.inf)  # no word lies beyond the page
    for place in range(count):
        for state, offset in enumerate(_OFFSETS):
            if 0 <= place + offset < count:
                costs[place, state] = 1 - similarity(labels[place], readings[place + offset])
    changes = _CHANGE * (1 - np.eye(states))
    total, came = costs[0] + changes[0], np.zeros((count, states), int)
    for place in range(1, count):
        ways = total[:, None] + changes
        came[place] = ways.argmin(0)
        total = ways.min(0) + costs[place]
    path = [int((total + changes[0]).argmin())]
    for place in range(count - 1, 0, -1):
        path.append(int(came[place, path[-1]]))
    return [_OFFSETS[state] for state in reversed(path)]


def _runs(offsets: Sequence[int]) -> Iterator[dict[int, int]]:
    """Neighbours that moved, each with its offset."""
    for is_moved, run in groupby(enumerate(offsets), key=lambda item: item[1] != 0):
        if is_moved:
            yield dict(run)


def _wrapped(
    run: dict[int, int], labels: Sequence[str], readings: Sequence[str], wrong: Sequence[bool]
) -> dict[int, int]:
    """The word beside a run whose label went to the run's other end."""
    beside = [place for place in (min(run) - 1, max(run) + 1) if 0 <= place < len(labels) and wrong[place]]
    reach = range(max(min(run) - 1, 0), min(max(run) + 2, len(labels)))
    found = {}
    for place in beside:
        source = max(reach, key=lambda other: similarity(labels[place], readings[other]) * (other != place))
        if source != place and similarity(labels[place], readings[source]) >= _SURE:
            found[place] = source
    return found


def _exchanged(
    sure: list[int],
    moved: dict[int, int],
    run: dict[int, int],
    labels: Sequence[str],
    readings: Sequence[str],
    wrong: Sequence[bool],
) -> dict[int, int]:
    """A single word that moved counts only where its neighbour took its place."""
    wrapped = _wrapped(run, labels, readings, wrong)
    return {place: moved[place] for place in sure} | wrapped if wrapped else {}
