"""Small pictures of suspicious words: with their surroundings for a person, or cut straight for another program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import cv2
import numpy as np

from ocr_pipeline.data.geometry import can_rectify, quad_size, rectify, upright_box
from ocr_pipeline.data.review.levelling import turned
from ocr_pipeline.data.review.looking import MARGIN
from ocr_pipeline.data.review.suspects.suspect import Suspect
from ocr_pipeline.page import Quad
from ocr_pipeline.storage.files.orientation import upright
from ocr_pipeline.storage.files.pictures import MOST_PIXELS, decode_picture
from ocr_pipeline.storage.source.share import Share

_VIEW = (640, 144)
"""Pixels of a view at most: width and height."""
_AROUND = 0.8  # of the shorter side of a word, above and below its line
_ALONG = 2.5  # the same before and after it: its neighbours tell whether labels have moved
_OUTLINE = (235, 120, 20)  # BGR
Draw = Callable[[np.ndarray, Suspect], bytes]
_WEBP, _JPEG = [cv2.IMWRITE_WEBP_QUALITY, 50], [cv2.IMWRITE_JPEG_QUALITY, 92]


@dataclass(frozen=True)
class Pictures:
    """Reads the pages of suspects from the share; each page once for each call."""

    share: Share

    def views(self, suspects: Sequence[Suspect]) -> list[bytes]:
        """WebP pictures of words with their surroundings and an outline; empty where the page cannot be read."""
        return self._of_pages(suspects, _view)

    def crops(self, suspects: Sequence[Suspect]) -> list[bytes]:
        """JPEG pictures of words alone, set straight; empty where the page cannot be read."""
        return self._of_pages(suspects, _crop)

    def _of_pages(self, suspects: Sequence[Suspect], draw: Draw) -> list[bytes]:
        drawn = [b""] * len(suspects)
        by_picture = sorted(enumerate(suspects), key=lambda item: item[1].picture)
        for picture, group in groupby(by_picture, key=lambda item: item[1].picture):
            members = list(group)
            pixels = self._pixels(picture, is_turned=members[0][1].is_turned)
            if pixels is not None:
                for place, suspect in members:
                    drawn[place] = draw(pixels, suspect)
        return drawn

    def _pixels(self, picture: str, *, is_turned: bool) -> np.ndarray | None:
        """The page as its label counts it, BGR; None where it is gone or damaged."""
        try:
            data = self.share.read(picture)
            pixels = decode_picture(data, "BGR", MOST_PIXELS)
            return upright(pixels, data) if is_turned else pixels
        except (OSError, ValueError):
            return None


def _view(pixels: np.ndarray, suspect: Suspect) -> bytes:
    left, top, right, bottom = _surroundings(pixels, suspect)
    if right <= left or bottom <= top:
        return b""
    there = turned(pixels[top:bottom, left:right], suspect.quarters)
    height, width = there.shape[:2]
    scale = min(1.0 if height > 40 else 3.0, _VIEW[0] / width, _VIEW[1] / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(np.ascontiguousarray(there), size, interpolation=cv2.INTER_AREA)
    corners = _turned_corners(np.array(suspect.quad) - (left, top), (right - left, bottom - top), suspect.quarters)
    cv2.polylines(small, [np.rint(corners * scale).astype(np.int32)], True, _OUTLINE, 1, cv2.LINE_AA)
    return cv2.imencode(".webp", small, _WEBP)[1].tobytes()


def _surroundings(pixels: np.ndarray, suspect: Suspect) -> tuple[int, int, int, int]:
    """What is shown of the page: more of it along the line than across."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = upright_box(suspect.quad, width, height)
    across, along = (4 + round(share * min(_extent(suspect.quad))) for share in (_AROUND, _ALONG))
    x, y = (across, along) if suspect.quarters % 2 else (along, across)
    return max(left - x, 0), max(top - y, 0), min(right + x, width), min(bottom + y, height)


def _turned_corners(corners: np.ndarray, size: tuple[int, int], quarters: int) -> np.ndarray:
    """Corners [4, 2] on a picture of a size (width, height) after its quarter turns counterclockwise."""
    for _ in range(quarters):
        corners = np.stack([corners[:, 1], size[0] - corners[:, 0]], axis=1)
        size = size[::-1]
    return corners


def _crop(pixels: np.ndarray, suspect: Suspect) -> bytes:
    quad, margin = suspect.quad, MARGIN.around(*quad_size(suspect.quad))
    if min(quad_size(quad)) < 1 or not can_rectify(quad, pixels.shape[1], pixels.shape[0], margin, MOST_PIXELS):
        return b""
    level = turned(rectify(pixels, quad, margin), suspect.quarters)
    return cv2.imencode(".jpg", level, _JPEG)[1].tobytes()


def _extent(quad: Quad) -> tuple[float, float]:
    xs, ys = zip(*quad, strict=True)
    return max(xs) - min(xs), max(ys) - min(ys)
