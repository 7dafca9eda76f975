"""What the UI shows of artifacts."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from ocr_pipeline.orchestration.metadata import shown_crops, small_picture, two_sizes

NOISE = np.random.default_rng(0).integers(0, 256, (900, 640, 3), dtype=np.uint8)
DRAWN = cv2.line(np.full((480, 640, 3), 255, np.uint8), (60, 30), (600, 400), (200, 90, 40), 2)


@pytest.mark.parametrize(("pixels", "least"), [(NOISE, 32), (DRAWN, 240), (NOISE.reshape(-1, 3, 3), 32)])
def test_a_small_picture_is_short_enough_to_be_shown_at_once(pixels: np.ndarray, least: int) -> None:
    shown = small_picture(cv2.imencode(".png", pixels)[1].tobytes()).value
    assert isinstance(shown, str) and len(shown) < 1000
    webp = np.frombuffer(base64.b64decode(shown.partition("base64,")[2].rstrip(")")), np.uint8)
    assert max(cv2.imdecode(webp, cv2.IMREAD_COLOR).shape) >= least


def test_a_page_is_shown_at_once_and_large_behind_a_click() -> None:
    shown = two_sizes("sample_page", DRAWN)
    assert list(shown) == ["sample_page_small", "sample_page"]
    small, large = (str(value.value) for value in shown.values())
    assert len(small) < 1000 < len(large)


@pytest.mark.parametrize("text", ["영덕군", "![x](http://a/b)" * 9, "&<>" * 99])
def test_the_first_crops_are_shown_at_once_with_their_text(text: str) -> None:
    crop = cv2.imencode(".png", DRAWN[:80])[1].tobytes()
    shown = shown_crops("sample_crops", [(crop, text)] * 12)
    small = str(shown["sample_crops_small"].value)
    assert len(small) < 1000 and small.count("](") == 1 and str(shown["sample_crops"].value).count("data:image") == 12
    assert text != "영덕군" or small.endswith("영덕군 · 영덕군 · 영덕군")
    assert shown_crops("sample_crops", []) == {}
