"""What the UI shows of artifacts."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from ocr_pipeline.orchestration.metadata import small_picture

NOISE = np.random.default_rng(0).integers(0, 256, (900, 640, 3), dtype=np.uint8)
DRAWN = cv2.line(np.full((480, 640, 3), 255, np.uint8), (60, 30), (600, 400), (200, 90, 40), 2)


@pytest.mark.parametrize(("pixels", "least"), [(NOISE, 32), (DRAWN, 240)])
def test_a_small_picture_is_short_enough_to_be_shown_at_once(pixels: np.ndarray, least: int) -> None:
    shown = small_picture(cv2.imencode(".png", pixels)[1].tobytes()).value
    assert isinstance(shown, str) and len(shown) < 1000
    webp = np.frombuffer(base64.b64decode(shown.partition("base64,")[2].rstrip(")")), np.uint8)
    assert max(cv2.imdecode(webp, cv2.IMREAD_COLOR).shape) >= least
