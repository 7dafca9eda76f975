"""Text that runs up or down the page is read level, and shown so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocr_pipeline.data.review import Pictures, Reading
from ocr_pipeline.data.review.levelling import quarters_to_level, turned
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.review.test_page import suspect

LEVEL = np.full((20, 90, 3), 230, np.uint8)
LEVEL[:, :30] = 20  # a word begins dark


def sure_of_level(crops: Sequence[np.ndarray]) -> list[Reading]:
    """A reader that is sure where the dark end lies at the left."""
    return [Reading("가나다", 0.9 if crop[:, : crop.shape[1] // 3].mean() < 30 else 0.3) for crop in crops]


@pytest.mark.parametrize(("turns", "back"), [(0, 0), (1, 3), (3, 1)])
def test_a_word_is_turned_back(turns: int, back: int) -> None:
    (found,) = quarters_to_level([turned(LEVEL, turns)], sure_of_level)
    assert found == back and (turned(turned(LEVEL, turns), found) == LEVEL).all()


def test_what_is_not_tall_is_read_once() -> None:
    asked = list[int]()

    def read(crops: Sequence[np.ndarray]) -> list[Reading]:
        asked.append(len(crops))
        return sure_of_level(crops)

    assert quarters_to_level([LEVEL, turned(LEVEL, 1), LEVEL], read) == [0, 3, 0]
    assert asked == [3], "one tall crop in three ways"


def test_a_lone_figure_stays_upright() -> None:
    def read(crops: Sequence[np.ndarray]) -> list[Reading]:
        return [Reading("1", 0.6) if crop.shape[0] > crop.shape[1] else Reading("-", 0.99) for crop in crops]

    assert quarters_to_level([turned(LEVEL, 1)], read) == [0]


def test_letters_in_a_column_stay_upright() -> None:
    def unsure(crops: Sequence[np.ndarray]) -> list[Reading]:
        return [Reading("눈", 0.2) if crop.shape[0] > crop.shape[1] else Reading("므늑", 0.4) for crop in crops]

    assert quarters_to_level([turned(LEVEL, 1)], unsure) == [0]


@pytest.mark.parametrize("quarters", [0, 1, 3])
def test_a_person_sees_it_level_with_its_outline(tmp_path: Path, quarters: int) -> None:
    page = np.full((400, 300, 3), 255, np.uint8)
    left, top, right, bottom = (100, 150, 190, 180) if quarters == 0 else (100, 150, 130, 240)
    page[top:bottom, left:right] = (0, 0, 200)
    cv2.imwrite(str(tmp_path / "0.png"), page)
    quad = ((left, top), (right, top), (right, bottom), (left, bottom))
    row = suspect(quad=quad, quarters=quarters)
    (view,), (crop,) = Pictures(Share(tmp_path)).views([row]), Pictures(Share(tmp_path)).crops([row])
    shown, cut = (cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) for data in (view, crop))
    assert shown.shape[1] > shown.shape[0] and cut.shape[1] > cut.shape[0]
    word, blue = shown[..., 2].astype(int) - shown[..., 0] > 100, shown[..., 0].astype(int) - shown[..., 2] > 60
    (rows, columns), (around_rows, around_columns) = np.nonzero(word), np.nonzero(blue)
    assert abs(rows.min() - around_rows.min()) <= 3 and abs(rows.max() - around_rows.max()) <= 3
    assert abs(columns.min() - around_columns.min()) <= 3 and abs(columns.max() - around_columns.max()) <= 3
