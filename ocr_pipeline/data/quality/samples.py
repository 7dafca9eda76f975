"""Small pictures of the words and pages that the numbers point at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import NamedTuple

import cv2
import numpy as np

from ocr_pipeline.data.quality.measuring import Meter
from ocr_pipeline.data.quality.record import Comparison, LabelPlace, SamplePicture
from ocr_pipeline.page import Quad
from ocr_pipeline.storage.files.pictures import decode_picture
from ocr_pipeline.storage.source.share import Share

RARE = 24
_GROUPS_SHOWN = 3
_MARGIN = 0.15  # of a word's height, around it
_CROP = (300, 64)
_PAGE = (220, 220)
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 80]


class WantedSample(NamedTuple):
    """A picture to take: of a word, or of a page (without a quad)."""

    kind: str
    caption: str
    note: str
    path: str
    quad: Quad | None


def wanted_samples(meter: Meter, comparison: Comparison) -> list[WantedSample]:
    """What to take pictures of; the number does not depend on how much data there is."""
    wanted = [
        *(
            _word("rare", character, f"{count:,}× · {meter.first[character].text}", meter.first[character])
            for character, count in rarest(meter.characters)
        ),
        *(_word(kind, place.text, "", place) for kind, found in meter.suspicions.items() for place in found.examples),
        *(_word("largest", place.text, _extent(place.quad), place) for place in meter.largest),
        *(_word("smallest", place.text, _extent(place.quad), place) for place in meter.smallest),
        *(
            WantedSample(kind, page.image, f"{page.partition} {page.split} · group {number}", page.path, None)
            for kind, alike in (("leak", comparison.leaks), ("duplicate", comparison.duplicates))
            for number, group in enumerate(alike.examples[:_GROUPS_SHOWN], start=1)
            for page in group.pages[:2]
        ),
    ]
    return [each for each in wanted if each.path]


def rarest(characters: Mapping[str, int]) -> list[tuple[str, int]]:
    """The rarest characters; of those that are equally rare some from everywhere in the character set."""
    ordered = sorted(characters.items(), key=lambda item: (item[1], item[0]))
    if len(ordered) <= RARE:
        return ordered
    tail = [item for item in ordered if item[1] <= ordered[RARE - 1][1]]
    return [tail[place * len(tail) // RARE] for place in range(RARE)]


def take_samples(share: Share, wanted: Iterable[WantedSample]) -> list[SamplePicture]:
    """The pictures, in the order they were asked for; each page is read once, pages that cannot be read are left out.

    Raises:
        PipelineError: the share does not answer.
    """
    taken: dict[int, SamplePicture] = {}
    by_path = sorted(enumerate(wanted), key=lambda item: (item[1].path, item[0]))
    for path, group in groupby(by_path, key=lambda item: item[1].path):
        pixels = _pixels(share, path)
        if pixels is not None:
            for place, each in group:
                taken[place] = SamplePicture(each.kind, each.caption, each.note, _cut(pixels, each.quad))
    return [taken[place] for place in sorted(taken)]


def _word(kind: str, caption: str, note: str, place: LabelPlace) -> WantedSample:
    return WantedSample(kind, caption, note or place.image, place.path or "", place.quad)


def _extent(quad: Quad) -> str:
    xs, ys = [x for x, _ in quad], [y for _, y in quad]
    return f"{max(xs) - min(xs):,.0f}×{max(ys) - min(ys):,.0f} pixels"


def _pixels(share: Share, path: str) -> np.ndarray | None:
    """The page, or None where it is gone or damaged; the stages that need all pages count and report those."""
    try:
        return decode_picture(share.read(share.below_root(path)))
    except (FileNotFoundError, ValueError):
        return None


def _cut(pixels: np.ndarray, quad: Quad | None) -> bytes:
    if quad is None:
        return _small(pixels, _PAGE)
    height, width = pixels.shape[:2]
    xs, ys = [x for x, _ in quad], [y for _, y in quad]
    margin = 2 + _MARGIN * (max(ys) - min(ys))
    left, top = _within(min(xs) - margin, width - 1), _within(min(ys) - margin, height - 1)
    right, bottom = _within(max(xs) + margin, width), _within(max(ys) + margin, height)
    return _small(pixels[top : max(bottom, top + 1), left : max(right, left + 1)], _CROP)


def _within(value: float, most: int) -> int:
    return int(min(max(value, 0), most))


def _small(pixels: np.ndarray, most: tuple[int, int]) -> bytes:
    """JPEG, shrunk to at most (width, height)."""
    height, width = pixels.shape[:2]
    scale = min(1.0, most[0] / width, most[1] / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.imencode(".jpg", cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), _JPEG)[1].tobytes()
