"""The few crops that a person looks at, cut out of their pages once more."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import simplejpeg

from ocr_pipeline.judging.trial import Place, Trial, crop_of

HEIGHT, WIDTH = 56, 300
_QUALITY = 80


def encoded_crops(trial: Trial, places: Iterable[Place]) -> dict[Place, bytes]:
    """Small JPEGs of pieces of pages; each page is read once."""
    wanted: dict[int, list[Place]] = {}
    for place in sorted(set(places)):
        wanted.setdefault(place.page, []).append(place)
    found: dict[Place, bytes] = {}
    for page, pieces in wanted.items():
        pixels = trial.load(page).pixels
        crops = ((place, crop_of(pixels, place.quad)) for place in pieces)
        found |= {place: _jpeg(crop) for place, crop in crops if crop is not None}
    return found


def _jpeg(crop: np.ndarray) -> bytes:
    scale = min(HEIGHT / crop.shape[0], WIDTH / crop.shape[1])
    size = max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale))
    small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return simplejpeg.encode_jpeg(np.ascontiguousarray(small), _QUALITY)
