from __future__ import annotations

import numpy as np
import pytest

from ocr_pipeline.evaluation.bootstrap import Estimate, Sums, difference, drawn_pages, estimate, hmean, ratio


def test_pages_are_drawn_with_replacement_and_always_the_same():
    draws = drawn_pages(7, resamples=50)
    assert draws.shape == (50, 7)
    assert (draws.sum(axis=1) == 7).all()
    assert (draws == drawn_pages(7, resamples=50)).all()
    assert draws.max() > 1


def test_an_interval_holds_what_pages_would_give():
    rng = np.random.default_rng(1)
    pages = np.stack([rng.binomial(20, 0.3, 200), np.full(200, 20)], axis=1).astype(float)
    found = estimate(Sums(pages, ratio), drawn_pages(200))
    spread = 1.96 * np.sqrt(0.3 * 0.7 / 4000)
    assert found.value == pytest.approx(pages[:, 0].sum() / 4000, abs=1e-5)
    assert found.low == pytest.approx(found.value - spread, abs=0.004)
    assert found.high == pytest.approx(found.value + spread, abs=0.004)


def test_one_page_that_fails_as_a_whole_widens_the_interval():
    even, uneven = np.tile([2.0, 20.0], (10, 1)), np.tile([0.0, 20.0], (10, 1))
    uneven[0, 0] = 20
    draws = drawn_pages(10)
    assert estimate(Sums(even, ratio), draws) == Estimate(0.1, 0.1, 0.1)
    wide = estimate(Sums(uneven, ratio), draws)
    assert (wide.value, wide.low) == (0.1, 0.0)
    assert wide.high is not None and wide.high >= 0.3


def test_a_difference_on_the_same_draws_is_sharper_than_its_sides():
    rng = np.random.default_rng(2)
    hard = rng.uniform(0, 18, 40)
    sides = [Sums(np.stack([hard + more, np.full(40, 20.0)], axis=1), ratio) for more in (1, 0)]
    draws = drawn_pages(40)
    assert difference(*sides, draws) == Estimate(0.05, 0.05, 0.05)
    one = estimate(sides[0], draws)
    assert one.high is not None and one.low is not None and one.high - one.low > 0.1


def test_nothing_to_score_is_said_so():
    assert estimate(Sums(np.zeros((3, 2)), ratio), drawn_pages(3)) == Estimate(None, None, None)
    assert estimate(Sums(np.array([[1.0, 2.0, 2.0]]), hmean), drawn_pages(1)).value == 0.5
