"""Steps whose loss is not finite: they change no weight, and too many of them end a training."""

from __future__ import annotations

import math

import pytest
import torch

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.checkpoints import read_state
from ocr_pipeline.fast.losses import FastLoss


def test_a_loss_that_is_not_finite_stops_the_training_and_names_the_pages(train):
    with pytest.raises(PipelineError, match=r"no longer finite.*\.png \(drawn_train_layout\.lmdb, sample \d\)"):
        train("out", max_steps=20, learning_rate=1e30, log_every_steps=1)


@pytest.fixture
def fault(monkeypatch):
    """Makes the losses of the given calls infinite."""

    def at(*calls: int) -> None:
        count, honest = iter(range(1000)), FastLoss.__call__

        def faulty(self, *maps):
            losses = honest(self, *maps)
            return losses._replace(total=losses.total * math.inf) if next(count) in calls else losses

        monkeypatch.setattr(FastLoss, "__call__", faulty)

    return at


def test_a_step_whose_loss_is_not_finite_changes_no_weight(train, fault):
    fault(1)
    result = train("out", max_steps=2, save_every_steps=1, log_every_steps=1)
    first = read_state(result.last_checkpoint.with_name("checkpoint_step_1.pth"))
    last = read_state(result.last_checkpoint)
    assert all(
        torch.equal(weight, last.state_dict[key]) for key, weight in first.state_dict.items() if weight.dim() == 4
    )
    assert [row["skipped"] for row in result.history] == [0, 1]
    assert math.isnan(result.history[1]["loss"])


def test_too_many_steps_left_out_end_the_training(train, fault):
    fault(0, 2, 4)
    assert train("patient", max_steps=5, max_skips=3).steps == 5
    fault(0, 2, 4)
    with pytest.raises(PipelineError, match="left out so far: 2"):
        train("strict", max_steps=5, max_skips=2)
