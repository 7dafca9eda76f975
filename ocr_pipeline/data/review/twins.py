"""The same picture with two labels: crops that are equal to the last pixel, and say something else."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ocr_pipeline.data.review.shards import PRINT, PRINTS
from ocr_pipeline.data.review.suspects.suspect import Reading, Suspect
from ocr_pipeline.page import Page, Word
from ocr_pipeline.storage.artifacts.shards import shard_counts

EVIDENCE = 6.0
"""Nats: one of the two labels is wrong, and nobody knows which."""

_Place = tuple[str, str, int]


class _Same(NamedTuple):
    """One word of those that share a picture."""

    page: Page
    word: Word
    is_turned: bool


def find_twins(
    folders: Iterable[Path], pages: Callable[[], Iterable[Page]], picture_of: Callable[[Page], str]
) -> dict[_Place, Suspect]:
    """The words that share their picture with another label, by place; each has the other's text as its reading.

    Args:
        folders: the shards, in the order of the pages.
        pages: all pages, once more, if there are such words.
        picture_of: the path of a page's picture.
    """
    wanted = _sharing(_all_prints(folders))
    by_print: dict[int, list[_Same]] = defaultdict(list)
    for number, page in enumerate(pages() if wanted else ()):
        for word in page.words if number in wanted else ():
            if word.id in wanted[number]:
                crop, is_turned = wanted[number][word.id]
                by_print[crop].append(_Same(page, word, is_turned))
    twins = (_twin(one, found, picture_of(one.page)) for found in by_print.values() for one in found)
    return {(twin.label, twin.image, twin.word): twin for twin in twins}


def _all_prints(folders: Iterable[Path]) -> np.ndarray:
    """The prints of all shards; pages are counted through."""
    parts, first = [np.zeros(0, PRINT)], 0
    for folder in folders:
        part = np.load(folder / PRINTS)
        part["page"] += first
        first += shard_counts([folder]).pages_in
        parts.append(part)
    return np.concatenate(parts)


def _sharing(prints: np.ndarray) -> dict[int, dict[int, tuple[int, bool]]]:
    """The crops whose print stands with several labels: print, and whether it is turned, by page and word."""
    ordered = prints[np.lexsort((prints["text"], prints["print"]))]
    starts = np.flatnonzero(np.diff(ordered["print"], prepend=ordered["print"][:1] + 1 if len(ordered) else 0))
    edges = [*starts.tolist(), len(ordered)]
    wanted: dict[int, dict[int, tuple[int, bool]]] = defaultdict(dict)
    for start, end in pairwise(edges):
        if end - start > 1 and ordered["text"][start] != ordered["text"][end - 1]:
            for crop, _, page, word, is_turned in ordered[start:end].tolist():
                wanted[page][word] = crop, is_turned
    return wanted


def _twin(one: _Same, found: list[_Same], picture: str) -> Suspect:
    page, word, is_turned = one
    others = Counter(other.word.text for other in found if other.word.text != word.text)
    (reading, _), *_ = others.most_common(1) or [(word.text, 0)]
    said = Reading(reading, 0.5)
    return Suspect(
        label=page.label,
        image=page.image,
        word=word.id,
        text=word.text,
        quad=word.quad,
        kind="twins",
        reading=reading,
        readings=(said,),
        evidence=EVIDENCE,
        picture=picture,
        is_turned=is_turned,
    )
