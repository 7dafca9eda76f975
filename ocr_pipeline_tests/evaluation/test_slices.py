from __future__ import annotations

import pytest

from ocr_pipeline.evaluation.slices import height, orientation, rarity, script, within

LEVEL = ((0.0, 0.0), (100.0, 0.0), (100.0, 20.0), (0.0, 20.0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("한글", "Hangul"),
        ("한글.", "Hangul"),
        ("漢字", "Hanja"),
        ("Seoul", "Latin"),
        ("1,000", "figures"),
        ("1,000원", "mixed"),
        ("()", "signs"),
        ("かな", "other"),
    ],
)
def test_script(text: str, expected: str):
    assert script(text) == expected


def test_orientation():
    assert orientation(LEVEL, "가나다") == "level"
    assert orientation(((0, 0), (100, 30), (94, 50), (-6, 20)), "가나") == "tilted"
    assert orientation(((100, 20), (0, 20), (0, 0), (100, 0)), "가나") == "upside down"
    tall = ((0.0, 0.0), (20.0, 0.0), (20.0, 80.0), (0.0, 80.0))
    assert (orientation(tall, "가나다"), orientation(tall, "1")) == ("vertical", "level")


def test_steps():
    assert [within(number, (1, 3, 6)) for number in (1, 2, 3, 4, 6, 7)] == ["0-1", "2-3", "2-3", "4-6", "4-6", "7+"]
    assert within(0, (0, 9)) == "0"
    assert height(LEVEL) == "13-20"


def test_rarity_is_that_of_the_rarest_syllable():
    known = {"가": 5000, "뷁": 3}
    assert rarity("가뷁1", known) == "1-9"
    assert rarity("가", known) == "1000+"
    assert rarity("가나", known) == "0"
    assert rarity("abc", known) == "no syllable"
