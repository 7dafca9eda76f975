"""Everybody on the same pages and the same boxes, page by page: what is kept of each is small."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ocr_pipeline.data.geometry import can_rectify, quad_size, rectify
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.evaluation.slices import LENGTHS, TYPEFACES, height, orientation, script, within
from ocr_pipeline.judging.contestants import Contestant, Seen
from ocr_pipeline.judging.labelled import LabelledPage, LabelledPages, LabelledWord
from ocr_pipeline.judging.measures import PageSums, detection_sums, end_to_end_sums, seen_words
from ocr_pipeline.page import Quad
from ocr_pipeline.progress import Progress
from ocr_pipeline.recognition import Reading
from ocr_pipeline.training.readers import Concatenated

logger = logging.getLogger(__name__)


class Place(NamedTuple):
    """A piece of a page: the page's number in the trial, and the corners of the piece."""

    page: int
    quad: Quad


@dataclass(frozen=True)
class Word:
    """A word of the truth that counts.

    Attributes:
        kinds: what kind of word it is, by the name of each slicing.
    """

    place: Place
    text: str
    kinds: dict[str, str]


class JudgedPage(NamedTuple):
    """A page that everybody saw: where it is among all pages, and what it is called."""

    number: int
    source: str
    image: str


@dataclass
class Performance:
    """What one contestant made of all pages.

    Attributes:
        sums: of each page.
        said: for each word of the truth what its true box was read as; None where no crop can be made of it.
        found, read: whether each was found, and read right, in its page.
        sure: of the words that it saw and that count, how sure it was of the text and whether that was right.
        false: what it took for words, with its text.
        seconds: spent on whole pages and on true boxes; done: how many pages and boxes.
    """

    contestant: Contestant
    sums: list[PageSums] = field(default_factory=list)
    said: list[Reading | None] = field(default_factory=list)
    found: list[bool] = field(default_factory=list)
    read: list[bool] = field(default_factory=list)
    sure: list[tuple[float, bool]] = field(default_factory=list)
    false: list[tuple[Place, Seen]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)

    def look(self, number: int, page: LabelledPage) -> None:
        """Find, and read, the words of a page."""
        if not self.contestant.look:
            return
        began = time.perf_counter()
        seen = self.contestant.look(page.pixels)
        self._spent("pages", 1, began)
        self.sums[-1] |= detection_sums(seen, page.words)
        became = seen_words(seen, page.words)
        self.found += became.found
        self.false += [(Place(number, seen[box].quad), seen[box]) for box in became.false]
        if self.contestant.reads_pages:
            self.sums[-1] |= end_to_end_sums(seen, page.words)
            self.read += became.read
            self.sure += [(seen[box].confidence, right) for box, right in became.right]

    def read_crops(self, crops: Sequence[np.ndarray | None]) -> None:
        """Read the true boxes of a page."""
        if not self.contestant.read:
            return
        there = [crop for crop in crops if crop is not None]
        began = time.perf_counter()
        said = iter(self.contestant.read(there))
        self._spent("boxes", len(there), began)
        self.said += [None if crop is None else next(said) for crop in crops]

    def _spent(self, what: str, done: int, began: float) -> None:
        self.seconds[what] = self.seconds.get(what, 0) + time.perf_counter() - began
        self.done[what] = self.done.get(what, 0) + done


@dataclass
class Trial:
    """All pages, their words, and what everybody made of them.

    Attributes:
        errors: for each page that cannot be read, by its source and number, why not.
    """

    sources: Concatenated[LabelledPages]
    performances: list[Performance]
    pages: list[JudgedPage] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    def page_of_words(self) -> np.ndarray:
        """The number of each word's page."""
        return np.array([word.place.page for word in self.words], np.intp)

    def load(self, page: int) -> LabelledPage:
        """A page of the trial once more."""
        source, number = self.sources.place(self.pages[page].number)
        return source.read(number)


def hold_trial(sources: Sequence[LabelledPages], contestants: Sequence[Contestant]) -> Trial:
    """Let everybody see each page; one that cannot be read is told, and the rest goes on."""
    trial = Trial(Concatenated(sources), [Performance(contestant) for contestant in contestants])
    for judged, page in _readable(trial):
        number = len(trial.pages)
        trial.pages.append(judged)
        words = [word for word in page.words if word.counts]
        trial.words += [Word(Place(number, word.quad), word.text, _kinds(word, page, judged)) for word in words]
        crops = [crop_of(page.pixels, word.quad) for word in words]
        for performance in trial.performances:
            performance.sums.append({})
            performance.look(number, page)
            performance.read_crops(crops)
    return trial


def _readable(trial: Trial) -> Iterator[tuple[JudgedPage, LabelledPage]]:
    progress = Progress("judging", "pages", len(trial.sources))
    for number in range(len(trial.sources)):
        source, place = trial.sources.place(number)
        try:
            page = source.read(place)
        except PipelineError as error:
            logger.warning("%s", error)
            trial.errors[f"{source.name}, page {place + 1}"] = error.what
        else:
            yield JudgedPage(number, source.name, page.image), page
        progress.advance()


def crop_of(pixels: np.ndarray, quad: Quad) -> np.ndarray | None:
    """The inside of a quad as crops for training are made; None where there is nothing to be seen."""
    rows, columns = pixels.shape[:2]
    is_sensible = min(quad_size(quad)) >= 1 and can_rectify(quad, columns, rows, 0.0, rows * columns)
    return rectify(pixels, quad) if is_sensible else None


def _kinds(word: LabelledWord, page: LabelledPage, judged: JudgedPage) -> dict[str, str]:
    return {
        "data set": judged.source,
        "page": page.kind,
        "typeface": TYPEFACES.get(word.typeface or 0, "unknown"),
        "orientation": orientation(word.quad, word.text),
        "script": script(word.text),
        "length": within(len(word.text), LENGTHS),
        "height": height(word.quad),
    }
