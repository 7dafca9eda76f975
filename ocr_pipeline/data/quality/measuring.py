"""One pass over the pages of a partition: counters, and the words worth a picture; memory stays flat."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ocr_pipeline.data.lookup import Lookup
from ocr_pipeline.data.quality.labels import KINDS, suspicions
from ocr_pipeline.data.quality.record import Boxes, Distribution, LabelPlace, Suspicion
from ocr_pipeline.page import Page, Word
from ocr_pipeline.progress import Progress

EXAMPLES = 8
_LARGEST = 1 << 14  # pixels, characters or words; what is beyond counts as this
_ROUNDING = 1.0  # pixels by which a box may leave its page

_LENGTH_BINS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 50)
_PAGE_BINS = (0, 1, 2, 5, 10, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500)
_PIXEL_BINS = (0, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024)

_Ranked = tuple[float, int, LabelPlace]
"""Area (negated for the smallest), number of the word within the partition, where it is."""


@dataclass
class Meter:
    """Counts what passes.

    Attributes:
        first: where each character was seen first, for a picture of the rare ones.
        largest, smallest: word boxes by area, the most extreme first.
    """

    dataset: str
    pages: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    ignored: int = 0
    characters: Counter[str] = field(default_factory=Counter)
    first: dict[str, LabelPlace] = field(default_factory=dict)
    suspicions: dict[str, Suspicion] = field(default_factory=lambda: {kind: Suspicion() for kind in KINDS})
    partly_outside: int = 0
    wholly_outside: int = 0
    _lengths: Counter[int] = field(default_factory=Counter)
    _per_page: Counter[int] = field(default_factory=Counter)
    _widths: Counter[int] = field(default_factory=Counter)
    _heights: Counter[int] = field(default_factory=Counter)
    _largest: list[_Ranked] = field(default_factory=list)
    _smallest: list[_Ranked] = field(default_factory=list)

    def measure(self, pages: Iterable[Page], lookup: Lookup) -> None:
        progress = Progress(f"quality {self.dataset}", "pages measured")
        find = lookup.finder()
        for page in pages:
            found = find(page)
            self._add_page(page, found if isinstance(found, str) else None)
            progress.advance()

    def _add_page(self, page: Page, path: str | None) -> None:
        self.pages[page.split] += 1
        self._per_page[min(len(page.words), _LARGEST)] += 1
        for word in page.words:
            self.words[page.split] += 1
            self._add_box(page, word, path)
            if word.state == "ok":
                self._add_text(page, word, path)
        legible = [word.text for word in page.words if word.state == "ok"]
        self.ignored += len(page.words) - len(legible)
        self.characters.update("".join(legible))

    def _add_text(self, page: Page, word: Word, path: str | None) -> None:
        text = word.text
        self._lengths[min(len(text), _LARGEST)] += 1
        for character in text:
            if character not in self.first:
                self.first[character] = _place(page, word, path)
        for kind in suspicions(text, word.raw_text, self.dataset):
            suspicion = self.suspicions[kind]
            suspicion.count += 1
            if len(suspicion.examples) < EXAMPLES:
                suspicion.examples.append(_place(page, word, path))

    def _add_box(self, page: Page, word: Word, path: str | None) -> None:
        xs, ys = [x for x, _ in word.quad], [y for _, y in word.quad]
        left, top, right, bottom = min(xs), min(ys), max(xs), max(ys)
        self._widths[min(round(right - left), _LARGEST)] += 1
        self._heights[min(round(bottom - top), _LARGEST)] += 1
        if right <= 0 or bottom <= 0 or left >= page.width or top >= page.height:
            self.wholly_outside += 1
            return
        if min(left, top, page.width - right, page.height - bottom) < -_ROUNDING:
            self.partly_outside += 1
        if word.state == "ok":
            area, number = (right - left) * (bottom - top), -sum(self.words.values())
            _keep(self._largest, area, number, page, word, path)
            _keep(self._smallest, -area, number, page, word, path)

    @property
    def largest(self) -> list[LabelPlace]:
        return [place for _, _, place in sorted(self._largest, reverse=True)]

    @property
    def smallest(self) -> list[LabelPlace]:
        return [place for _, _, place in sorted(self._smallest, reverse=True)]

    @property
    def text_lengths(self) -> Distribution:
        return distribution(self._lengths, _LENGTH_BINS)

    @property
    def words_per_page(self) -> Distribution:
        return distribution(self._per_page, _PAGE_BINS)

    @property
    def boxes(self) -> Boxes:
        widths, heights = distribution(self._widths, _PIXEL_BINS), distribution(self._heights, _PIXEL_BINS)
        return Boxes(widths, heights, self.partly_outside, self.wholly_outside)


def _keep(kept: list[_Ranked], rank: float, number: int, page: Page, word: Word, path: str | None) -> None:
    """Keep the `EXAMPLES` highest; of equals the first."""
    if len(kept) < EXAMPLES:
        heapq.heappush(kept, (rank, number, _place(page, word, path)))
    elif rank > kept[0][0]:
        heapq.heapreplace(kept, (rank, number, _place(page, word, path)))


def _place(page: Page, word: Word, path: str | None) -> LabelPlace:
    return LabelPlace(page.image, page.label, path, word.id, word.raw_text or word.text, word.quad)


def distribution(values: Counter[int], bins: Sequence[int]) -> Distribution:
    """Summarise whole numbers; each bin goes from its first value to the next bin's."""
    count = values.total()
    counts = dict.fromkeys(bins, 0)
    median, seen = 0, 0
    for value in sorted(values):
        if seen * 2 < count:
            median = value
        seen += values[value]
        counts[max(start for start in bins if start <= value)] += values[value]
    return Distribution(count, min(values, default=0), median, max(values, default=0), list(counts.items()))
