"""How probable a text is to the model that would have to say it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ocr_pipeline.data.synthetic import render_word
from ocr_pipeline.models import KOREAN_WORDS
from ocr_pipeline.recognition import load_recognizer
from ocr_pipeline.recognition.interface import Loading, TextScorer


def test_texts_are_scored_as_they_are_said() -> None:
    recognizer = load_recognizer(KOREAN_WORDS, Loading("cpu"))
    assert isinstance(recognizer, TextScorer)
    rng = np.random.default_rng(1)
    crops = [render_word(text, font="sans", height=40, rng=rng) for text in ("서울특별시", "한국")]
    readings = recognizer.read_crops(crops)
    assert [reading.text for reading in readings] == ["서울특별시", "한국"]
    said = recognizer.score_texts(crops, [reading.text for reading in readings])
    for reading, score in zip(readings, said, strict=True):
        tokens = len(recognizer.codec.encode(reading.text))
        assert math.exp(score / tokens) == pytest.approx(reading.confidence, rel=1e-3)
    wrong = recognizer.score_texts(crops, ["서울특별사", "한극"])
    assert all(other < score - 5 for other, score in zip(wrong, said, strict=True))
    assert recognizer.score_texts([], []) == []


def test_what_is_read_in_pieces_is_not_scored_as_one() -> None:
    recognizer = load_recognizer(KOREAN_WORDS, Loading("cpu"))
    assert isinstance(recognizer, TextScorer)
    narrow, wide = np.full((32, 100, 3), 255, np.uint8), np.full((32, 300, 3), 255, np.uint8)
    scores = recognizer.score_texts([narrow, wide], ["한국", "한국"])
    assert [math.isnan(score) for score in scores] == [False, True]
