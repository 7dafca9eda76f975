from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ocr_pipeline.data.review.suspects.calibration import BEFOREHAND, FEW, Calibration, Curve, Trial, calibrate, pool

points = st.lists(
    st.tuples(st.integers(0, 5).map(float), st.sampled_from([0.0, 1.0]), st.sampled_from([1.0, 0.5])),
    min_size=1,
    max_size=7,
).map(sorted)


def at(steps: list[tuple[float, float]], position: float) -> float:
    return [value for start, value in steps if start <= position][-1]


def loss(steps: list[tuple[float, float]], data: list[tuple[float, float, float]]) -> float:
    return sum(weight * (value - at(steps, position)) ** 2 for position, value, weight in data)


@given(points, st.lists(st.floats(0, 1), min_size=6, max_size=6).map(sorted))
def test_no_other_rising_curve_fits_better(data: list[tuple[float, float, float]], other: list[float]) -> None:
    steps = pool(data)
    assert all(before[1] < after[1] for before, after in pairwise(steps))
    assert loss(steps, data) <= loss(list(zip(map(float, range(6)), other, strict=True)), data) + 1e-9


def test_a_rate_for_each_kind_that_was_planted_often() -> None:
    trials = [Trial("jamo", 10.0 + number % 3, True) for number in range(40)]
    trials += [Trial("jamo", number % 5, False) for number in range(40)]
    trials += [Trial("space", 12.0, False)] * 5
    made = calibrate(trials, weight=1.0)
    assert set(made.by_kind) == {"jamo"}
    assert made.rate("jamo", 12.0) == 0.99 and made.rate("jamo", 0.0) == 0.0
    assert 0.5 < made.rate("space", 12.0) < 0.95
    assert calibrate(trials, weight=0.1).rate("space", 12.0) < made.rate("space", 12.0)


def test_with_few_trials_what_was_known_beforehand_counts() -> None:
    assert calibrate([Trial("jamo", 1.0, True)] * (FEW - 1), 1.0) == Calibration(BEFOREHAND, {})
    rates = [BEFOREHAND.at(evidence) for evidence in (-50.0, 4.0, 9.5, 30.0)]
    assert rates == [0.0, 0.015, 0.85, 0.95] and Curve().at(3.0) == 0.0
