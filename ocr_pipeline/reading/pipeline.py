"""Pages -> words -> text as a stream: while one window of pages is recognized, the words of the next are found.

Memory is bounded by pages, not by files: two pages wait with their words found, two windows for the recognizer. In a
window the crops of all its pages are read together, sorted by width.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Generic, NamedTuple, Protocol, TypeVar

import cv2
import numpy as np

from ocr_pipeline.data.geometry import can_rectify, quad_size, rectify
from ocr_pipeline.data.layout_lmdb import PageRegion
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import DetectedWord
from ocr_pipeline.fast.maps.postprocess import Detection
from ocr_pipeline.page import Quad
from ocr_pipeline.parallel import in_order
from ocr_pipeline.reading.input import Sheet
from ocr_pipeline.reading.order import order_words
from ocr_pipeline.reading.order.spaces import befores
from ocr_pipeline.reading.record import ReadLine, ReadPage, ReadWord
from ocr_pipeline.recognition import Reading, TextRecognizer

WINDOW = 8
"""Batches of crops that are sorted by width together."""
_AHEAD = 2
_WINDOW_PIXELS = 64_000_000  # of the pages in one window, if there are several
_DECIMALS = 4
_GROUND = 320
"""Pixels that each side of what a detector is shown has at least. It brings every picture to one size: the letters of a
single line would become larger than any that it has learnt, and its work that of several pages."""

Key = TypeVar("Key")


class WordDetector(Protocol):
    """Finds words; a FAST `Detector` is one."""

    @property
    def fingerprint(self) -> str:
        """Of all that its boxes depend on."""
        ...

    def detect(self, picture: np.ndarray) -> list[Detection]:
        """The words of a picture, uint8 [height, width, 3] RGB, in its pixels."""
        ...


class RegionFinder(Protocol):
    """Finds regions; a `PageLayout` is one."""

    @property
    def fingerprint(self) -> str:
        """Of all that its regions depend on."""
        ...

    def regions(self, picture: np.ndarray) -> list[PageRegion]:
        """The regions of a picture, uint8 [height, width, 3] RGB, in reading order."""
        ...


class Models(NamedTuple):
    """What reads: who finds the words, who reads them, how many at once, and who finds regions, if anybody."""

    detector: WordDetector
    recognizer: TextRecognizer
    batch_size: int
    layout: RegionFinder | None = None


class Request(NamedTuple, Generic[Key]):
    """A page that is to be read.

    Attributes:
        key: the caller's own.
        load: gives the page, or raises PipelineError.
        group: pages of one group only, which follow each other, are read together; the same group gives the same text
            to the last digit, whatever was read before it.
    """

    key: Key
    load: Callable[[], Sheet]
    group: int = 0


class Answer(NamedTuple, Generic[Key]):
    """What became of a page: its pixels and what was read, or why it cannot be."""

    key: Key
    result: tuple[Sheet, ReadPage] | PipelineError


class _Found(NamedTuple):
    sheet: Sheet
    quads: list[Quad]
    crops: list[np.ndarray]
    regions: Sequence[PageRegion] = ()


class _Waiting(NamedTuple):
    key: object
    group: int
    found: _Found | PipelineError

    @property
    def crops(self) -> list[np.ndarray]:
        return [] if isinstance(self.found, PipelineError) else self.found.crops

    @property
    def pixels(self) -> int:
        return 0 if isinstance(self.found, PipelineError) else self.found.sheet.width * self.found.sheet.height


def read_pages(models: Models, requests: Iterable[Request[Key]]) -> Generator[Answer[Key], None, None]:
    """The pages, in their order; one that cannot be read is told and the rest goes on."""

    def find(request: Request[Key]) -> _Found | PipelineError:
        try:
            return _looked_at(models, request.load())
        except PipelineError as error:
            return error

    def read(window: list[_Waiting]) -> list[Answer[Key]]:
        return _read_window(models, window)

    with (
        ThreadPoolExecutor(1) as finding,
        ThreadPoolExecutor(1) as reading,
        closing(in_order(finding, find, ((request, request) for request in requests), _AHEAD)) as found,
    ):
        waiting = (_Waiting(request.key, request.group, words) for request, words in found)
        windows = ((None, window) for window in _windows(waiting, models.batch_size * WINDOW))
        with closing(in_order(reading, read, windows, _AHEAD)) as answers:
            for _, window in answers:
                yield from window


def _looked_at(models: Models, sheet: Sheet) -> _Found:
    found = find_words(models.detector, sheet)
    return found._replace(regions=models.layout.regions(sheet.pixels)) if models.layout else found


def find_words(detector: WordDetector, sheet: Sheet) -> _Found:
    """The words of a page that a crop can be made of, as training crops are made of their quads."""
    height, width = sheet.pixels.shape[:2]
    found = (
        DetectedWord([(int(x), int(y)) for x, y in box.polygon], box.score) for box in _boxes(detector, sheet.pixels)
    )
    quads = [quad for word in found if _is_sensible(quad := word.quad, width, height)]
    return _Found(sheet, quads, [rectify(sheet.pixels, quad) for quad in quads])


def _boxes(detector: WordDetector, pixels: np.ndarray) -> Sequence[Detection]:
    """What is found on a picture; a small one is shown with its last row and column repeated beyond it."""
    height, width = pixels.shape[:2]
    beyond = max(0, _GROUND - height), max(0, _GROUND - width)
    if not any(beyond):
        return detector.detect(pixels)
    found = detector.detect(cv2.copyMakeBorder(pixels, 0, beyond[0], 0, beyond[1], cv2.BORDER_REPLICATE))
    return [box._replace(polygon=np.clip(box.polygon, 0, (width, height))) for box in found]


def _is_sensible(quad: Quad, width: int, height: int) -> bool:
    return min(quad_size(quad)) >= 1 and can_rectify(quad, width, height, 0.0, width * height)


def read_crops(recognizer: TextRecognizer, batch_size: int, crops: Sequence[np.ndarray]) -> list[Reading]:
    """The texts of crops, in their order; those of like widths are read together, for they end together."""
    by_width = sorted(range(len(crops)), key=lambda place: crops[place].shape[1] / crops[place].shape[0])
    texts: dict[int, Reading] = {}
    for start in range(0, len(crops), batch_size):
        batch = by_width[start : start + batch_size]
        texts |= zip(batch, recognizer.read_crops([crops[place] for place in batch]), strict=True)
    return [texts[place] for place in range(len(crops))]


def page_of(sheet: Sheet, found: _Found, texts: Sequence[Reading]) -> ReadPage:
    """Words in reading order."""
    lines = tuple(
        ReadLine(
            tuple(
                ReadWord(found.quads[place], texts[place].text, round(texts[place].confidence, _DECIMALS), before)
                for place, before in zip(line.places, befores(line), strict=True)
            ),
            line.block,
            line.vertical,
        )
        for line in order_words(found.quads, found.regions)
    )
    return ReadPage(sheet.image, sheet.width, sheet.height, lines, sheet.number)


def _windows(waiting: Iterable[_Waiting], crops: int) -> Iterator[list[_Waiting]]:
    """Pages of one group until they have enough crops, or enough pixels."""
    window: list[_Waiting] = []
    for page in waiting:
        if window and (page.group != window[0].group or sum(each.pixels for each in window) > _WINDOW_PIXELS):
            yield window
            window = []
        window.append(page)
        if sum(len(each.crops) for each in window) >= crops:
            yield window
            window = []
    if window:
        yield window


def _read_window(models: Models, window: list[_Waiting]) -> list[Answer]:
    crops = [crop for page in window for crop in page.crops]
    texts = iter(read_crops(models.recognizer, models.batch_size, crops))
    answers = []
    for key, _, found in window:
        if isinstance(found, PipelineError):
            answers.append(Answer(key, found))
            continue
        own = [next(texts) for _ in found.quads]
        answers.append(Answer(key, (found.sheet, page_of(found.sheet, found, own))))
    return answers
