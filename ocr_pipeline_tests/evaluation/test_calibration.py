from __future__ import annotations

import numpy as np
import pytest

from ocr_pipeline.evaluation.calibration import calibration, no_look_threshold, wilson_low


def test_honest_confidences_are_calibrated_and_boasts_are_not():
    rng = np.random.default_rng(4)
    sure = rng.uniform(0, 1, 20_000)
    right = (rng.uniform(0, 1, 20_000) < sure).tolist()
    honest = calibration(sure.tolist(), right)
    assert honest.ece < 0.02
    assert honest.brier == pytest.approx(1 / 6, abs=0.01)
    boast = calibration([0.9] * 1000, [True, False] * 500)
    assert boast.ece == pytest.approx(0.4)
    assert boast.brier == pytest.approx(0.5 * 0.01 + 0.5 * 0.81)


def test_bins_hold_equally_many_words():
    bins = calibration(np.linspace(0, 1, 150).tolist(), [True] * 150).bins
    assert [each.words for each in bins] == [10] * 15
    assert calibration([0.5, 0.7], [True, False]).bins[0].words == 1


def test_wilson_is_that_of_the_books():
    assert wilson_low(90, 100) == pytest.approx(0.8256, abs=1e-4)
    assert wilson_low(0, 10) == pytest.approx(0, abs=1e-9)
    assert wilson_low(10, 10) == pytest.approx(0.7225, abs=1e-4)


def test_the_threshold_is_the_least_that_promises_enough():
    sure = np.array([0.1] * 50 + [0.6] * 50 + [0.9] * 100)
    right = np.array([0.0] * 50 + [1.0] * 150)
    assert no_look_threshold(sure, right, 0.97) == 0.6
    assert no_look_threshold(sure, right, 0.98) is None
    assert no_look_threshold(sure, 1 - right, 0.9) is None


def test_equal_confidences_are_taken_together():
    found = calibration([0.9] * 400, [False] + [True] * 399, target=0.99)
    assert found.threshold is None
    found = calibration([0.2] * 100 + [0.9] * 400, [False] * 100 + [True] * 400, target=0.99)
    assert (found.threshold, found.unseen) == (0.9, 0.8)
