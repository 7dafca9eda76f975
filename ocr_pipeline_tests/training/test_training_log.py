"""Progress of a training in the event log."""

from __future__ import annotations

import logging

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
        log.step(step, 1000, 0.5, "hmean 0.7000" if step == 540 else "")
        now += 1.0
    assert [record.message for record in caplog.records] == [
        "fast_checkpoint: step 501 of 1000, loss 0.5000",
        "fast_checkpoint: step 531 of 1000, loss 0.5000, 0:07:49 left",
        "fast_checkpoint: step 540 of 1000, loss 0.5000, hmean 0.7000, 0:07:40 left",
        "fast_checkpoint: step 570 of 1000, loss 0.5000, 0:07:10 left",
        "fast_checkpoint: step 600 of 1000, loss 0.5000, 0:06:40 left",
    ]
