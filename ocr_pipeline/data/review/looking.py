"""A page's picture looked at: what each labelled word reads as, and what stands there that nobody labelled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple, Protocol, runtime_checkable

import cv2
import numpy as np

from ocr_pipeline.data.geometry import Margin, can_rectify, quad_size, rectify, slipped_corner, upright_box
from ocr_pipeline.data.picture_size import fit
from ocr_pipeline.data.review.levelling import quarters_to_level, turned
from ocr_pipeline.data.review.suspects.finding import Likelihood
from ocr_pipeline.data.review.suspects.suspect import Reading, SeenPage, SeenWord, Stray
from ocr_pipeline.page import Page, Quad
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.files.orientation import orientation_of, upright
from ocr_pipeline.storage.files.pictures import MOST_PIXELS, decode_picture

MARGIN = Margin.parse("10%")
_FLAT = 16.0  # grey levels between the darkest and the brightest of an empty box
_LABELLED = 0.2  # share of a detection on which a label must lie


class Reader(Protocol):
    """Who reads crops; every recognizer is one."""

    @property
    def fingerprint(self) -> str: ...

    def read_crops(self, crops: Sequence[Any]) -> Sequence[tuple[str, float]]: ...


@runtime_checkable
class Scorer(Protocol):
    """What a reader may offer besides: the logarithm of how probable it is that a crop says a text, or NaN."""

    def score_texts(self, crops: Sequence[Any], texts: Sequence[str]) -> list[float]: ...


class Finder(Protocol):
    """Who finds words on a page; a FAST detector is one."""

    @property
    def fingerprint(self) -> str: ...

    def detect(self, picture: np.ndarray) -> Sequence[tuple[np.ndarray, float]]: ...


@dataclass(frozen=True)
class Readers:
    """Who looks at the pages.

    Attributes:
        by_name: the readers; the first must not have learnt from the labels that it judges.
        finder: None where boxes are taken as they are.
        batch_size: crops that are read at once.
    """

    by_name: Mapping[str, Reader]
    finder: Finder | None = None
    batch_size: int = 32

    @cached_property
    def fingerprint(self) -> str:
        """Of all that a reading depends on."""
        readers = (f"{name} {reader.fingerprint}" for name, reader in self.by_name.items())
        return fingerprint_of([*readers, self.finder.fingerprint if self.finder else ""])

    def read(self, crops: Sequence[np.ndarray]) -> list[tuple[Reading, ...]]:
        """What each reader takes each crop for."""
        return list(zip(*(self._read(reader, crops) for reader in self.by_name.values()), strict=True))

    def read_first(self, crops: Sequence[np.ndarray]) -> list[Reading]:
        """What the first reader takes each crop for."""
        return self._read(next(iter(self.by_name.values())), crops)

    def _read(self, reader: Reader, crops: Sequence[np.ndarray]) -> list[Reading]:
        return [Reading(*read) for batch in _batches(crops, self.batch_size) for read in reader.read_crops(batch)]

    def likelihood(self, crops: Sequence[np.ndarray]) -> Likelihood | None:
        """How well texts fit the crops of a page, if the first reader can tell; what it told is remembered."""
        first = next(iter(self.by_name.values()))
        return _remembered(partial(_scores, first, crops, self.batch_size)) if isinstance(first, Scorer) else None


class LookedAt(NamedTuple):
    """A page as it was seen, with the crops of its words in their order, text level, uint8 [height, width, 3] RGB.

    Attributes:
        is_turned: its label counts the pixels of the picture as its EXIF orientation turns it.
    """

    seen: SeenPage
    crops: list[np.ndarray]
    is_turned: bool

    def prints(self) -> list[int]:
        """64 bits of each crop: equal for equal pixels."""
        return [_print(crop) for crop in self.crops]


def look_at(page: Page, data: bytes, readers: Readers, *, complete: bool) -> LookedAt:
    """Read all words of a page whose boxes can be cut.

    Args:
        data: its encoded picture.
        complete: whether all of its text is said to be labelled, so that other text is a fault.

    Raises:
        ValueError: the picture cannot be read, or is of another size than the label says.
    """
    pixels = decode_picture(data, "RGB", MOST_PIXELS)
    fitted = fit(page, (pixels.shape[1], pixels.shape[0]), partial(orientation_of, data), "aside")
    pixels = upright(pixels, data) if fitted.is_turned else pixels
    words = [word for word in fitted.page.words if word.state == "ok" and _can_cut(pixels, word.quad)]
    crops, quarters = _level([_cut(pixels, word.quad) for word in words], readers)
    found = _found(pixels, readers)
    covered = _covered([word.quad for word in words], [quad for quad, _ in found]) if readers.finder else None
    seen = tuple(
        SeenWord(word, readings, _is_flat(crop), None if covered is None else float(covered[place]), quarters[place])
        for place, (word, crop, readings) in enumerate(zip(words, crops, readers.read(crops), strict=True))
    )
    labelled = [word.quad for word in fitted.page.words]
    strays = _strays(pixels, found, labelled, readers) if complete else ()
    return LookedAt(SeenPage(seen, strays), crops, fitted.is_turned)


def _can_cut(pixels: np.ndarray, quad: Quad) -> bool:
    height, width = pixels.shape[:2]
    size = quad_size(quad)
    left, top, right, bottom = upright_box(quad, width, height)
    is_there = right > left and bottom > top and min(size) >= 1 and not slipped_corner(quad, width, height)
    return is_there and can_rectify(quad, width, height, MARGIN.around(*size), MOST_PIXELS)


def _cut(pixels: np.ndarray, quad: Quad) -> np.ndarray:
    return rectify(pixels, quad, MARGIN.around(*quad_size(quad)))


def _level(cut: Sequence[np.ndarray], readers: Readers) -> tuple[list[np.ndarray], list[int]]:
    """Crops whose text lies level, and by how many quarter turns each was turned."""
    quarters = quarters_to_level(cut, readers.read_first)
    return [turned(*one) for one in zip(cut, quarters, strict=True)], quarters


def _is_flat(crop: np.ndarray) -> bool:
    """Whether nothing is drawn on it: what writing there may be would darken more than two of a hundred pixels."""
    dark, bright = np.percentile(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), (2, 98))
    return bool(bright - dark < _FLAT)


def _print(crop: np.ndarray) -> int:
    digest = blake2b(crop.tobytes(), digest_size=8, salt=f"{crop.shape[0]}x{crop.shape[1]}".encode())
    return int.from_bytes(digest.digest(), "little")


def _found(pixels: np.ndarray, readers: Readers) -> list[tuple[Quad, float]]:
    """The detections that are quads."""
    if readers.finder is None:
        return []
    shapes = [(polygon, score) for polygon, score in readers.finder.detect(pixels) if len(polygon) == 4]
    return [(_quad(polygon), float(score)) for polygon, score in shapes]


def _quad(polygon: np.ndarray) -> Quad:
    a, b, c, d = ((float(x), float(y)) for x, y in polygon)
    return a, b, c, d


def _strays(
    pixels: np.ndarray, found: Sequence[tuple[Quad, float]], labelled: Sequence[Quad], readers: Readers
) -> tuple[Stray, ...]:
    """The detections on which no label lies, each with what the first reader takes it for."""
    covered = _covered([quad for quad, _ in found], labelled)
    bare = [
        (quad, score)
        for (quad, score), share in zip(found, covered, strict=True)
        if share < _LABELLED and _can_cut(pixels, quad)
    ]
    crops, quarters = _level([_cut(pixels, quad) for quad, _ in bare], readers)
    read = zip(bare, readers.read_first(crops), quarters, strict=True)
    return tuple(Stray(quad, score, reading, turns) for (quad, score), reading, turns in read)


def _covered(boxes: Sequence[Quad], others: Sequence[Quad]) -> np.ndarray:
    """Which share of the upright box around each quad lies in those around others, at most 1."""
    if not boxes or not others:
        return np.zeros(len(boxes))
    left, top, right, bottom = np.array([_extent(quad) for quad in boxes]).T[..., None]
    left_, top_, right_, bottom_ = np.array([_extent(quad) for quad in others]).T
    across = np.clip(np.minimum(right, right_) - np.maximum(left, left_), 0, None)
    down = np.clip(np.minimum(bottom, bottom_) - np.maximum(top, top_), 0, None)
    area = np.maximum((right - left) * (bottom - top), 1.0)
    return np.minimum((across * down / area).sum(1), 1.0)


def _extent(quad: Quad) -> tuple[float, float, float, float]:
    xs, ys = zip(*quad, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _remembered(likelihood: Likelihood) -> Likelihood:
    known: dict[tuple[int, str], float] = {}

    def told(asked: Sequence[tuple[int, str]]) -> list[float]:
        new = [pair for pair in dict.fromkeys(asked) if pair not in known]
        known.update(zip(new, likelihood(new), strict=True))
        return [known[pair] for pair in asked]

    return told


def _scores(
    scorer: Scorer, crops: Sequence[np.ndarray], batch_size: int, asked: Sequence[tuple[int, str]]
) -> list[float]:
    return [
        score
        for batch in _batches(asked, batch_size)
        for score in scorer.score_texts([crops[place] for place, _ in batch], [text for _, text in batch])
    ]


def _batches(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
