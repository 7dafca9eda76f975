"""Progress of a training in the event log."""

from __future__ import annotations

import logging
import math

import pytest

from ocr_pipeline.training import training_log
from ocr_pipeline.training.training_log import TrainingLog


def test_a_line_now_and_then_says_step_loss_and_time_left(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "ocr_pipeline")
    now = 100.0
    monkeypatch.setattr(training_log.time, "monotonic", lambda: now)
    log = TrainingLog("fast_checkpoint", every=30)
    for step in range(501, 601):  # it goes on from step 500; a step takes a second
        log.step(step, 1000, 0.5, {"hmean": 0.7, "recall": 0.6} if step == 540 else None)
        now += 1.0
    assert [record.message for record in caplog.records] == [
        "fast_checkpoint: step 501 of 1000, loss 0.5000",
        "fast_checkpoint: step 531 of 1000, loss 0.5000, 0:07:49 left",
        "fast_checkpoint: step 540 of 1000, loss 0.5000, hmean 0.7000, 0:07:40 left",
        "fast_checkpoint: step 570 of 1000, loss 0.5000, 0:07:10 left",
        "fast_checkpoint: step 600 of 1000, loss 0.5000, 0:06:40 left",
    ]


def test_a_curve_has_a_bounded_number_of_points_that_can_be_drawn(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ocr_pipeline")
    log = TrainingLog("dlora_checkpoint", every=0)
    for step in range(10_000):
        log.step(step, 10_000, math.nan if step == 0 else 0.5)
        log.step(step, 10_000, None, {"cer": 0.25})
    points = [record.point for record in caplog.records if record.point]
    assert points[:3] == [{"step": 0}, {"step": 0, "cer": 0.25}, {"step": 50, "loss": 0.5}]
    assert len(points) == 2 * training_log.POINTS and len(caplog.records) == 20_000
