"""Against the package ``cleval`` 0.1.1 on made-up pages; its sums are in ``fixtures/cleval_cases.json``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ocr_pipeline.evaluation import SpottedWord, are_covered
from ocr_pipeline.evaluation.bootstrap import cleval_hmean
from ocr_pipeline.evaluation.cleval import CharacterCounts, character_counts

CASES = json.loads((Path(__file__).parent / "fixtures" / "cleval_cases.json").read_text(encoding="utf-8"))


def box(x: float, y: float, wide: float, high: float) -> list[tuple[float, float]]:
    return [(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)]


@pytest.mark.parametrize("case", CASES)
def test_the_sums_are_those_of_the_package(case: dict):
    words = [SpottedWord(quad, text) for quad, text in case["words"]]
    counts = character_counts(case["boxes"], words)
    assert counts == CharacterCounts(*(case[name] for name in CharacterCounts._fields))
    assert float(cleval_hmean(np.array(counts, float))) == pytest.approx(case["hmean"], abs=1e-5)


def test_the_cases_hold_what_matters():
    assert sum(case["split"] for case in CASES) > 50
    assert sum(case["joined"] for case in CASES) > 50
    assert any(text == "###" for case in CASES for _, text in case["words"])


def test_nothing_found_and_nothing_there():
    assert character_counts([], [SpottedWord(box(0, 0, 40, 20), "가나")]) == CharacterCounts(0, 0, 0, 2, 0)
    assert character_counts([box(0, 0, 40, 20)], []) == CharacterCounts(0, 0, 0, 0, 1)
    assert character_counts([], []) == CharacterCounts(0, 0, 0, 0, 0)


def test_a_line_covers_its_words_though_it_is_none_of_them():
    words = [box(0, 0, 40, 20), box(50, 0, 40, 20), box(100, 0, 40, 20)]
    assert are_covered([box(0, 0, 128, 20)], words) == [True, True, True]
    assert are_covered([box(0, 0, 127, 20)], words) == [True, True, False]
    assert are_covered([box(0, 0, 20, 20), box(20, 0, 20, 20)], words[:1]) == [True]
    assert are_covered([], words) == [False, False, False]
