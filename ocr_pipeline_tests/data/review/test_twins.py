"""Words that share their picture: what is known of the picture goes with each of them."""

import numpy as np
import pytest

from ocr_pipeline.data.review import twins
from ocr_pipeline.data.review.shards import PRINT
from ocr_pipeline.page import Page, Word

QUAD = ((0, 0), (9, 0), (9, 5), (0, 5))


def page(name: str, text: str) -> Page:
    return Page("handwriting", "train", name, 20, 10, f"{name}.json", (Word(1, text, QUAD),))


@pytest.mark.parametrize("is_turned", [True, False])
def test_a_turned_picture_stays_turned(monkeypatch: pytest.MonkeyPatch, is_turned: bool) -> None:
    prints = np.array([(7, 1, 0, 1, is_turned), (7, 2, 1, 1, False), (8, 1, 1, 2, True)], PRINT)
    monkeypatch.setattr(twins, "_all_prints", lambda _: prints)
    pages = [page("a.jpg", "가나"), page("b.jpg", "가너")]
    found = twins.find_twins([], lambda: pages, lambda one: one.image)
    assert [(each.reading, each.is_turned) for each in found.values()] == [("가너", is_turned), ("가나", False)]
