"""Progress at a terminal: one bar, drawn over itself, that is out of the way of everything else that is said."""

from __future__ import annotations

import io
import logging

import pytest

from ocr_pipeline import progress
from ocr_pipeline.cli.terminal import TerminalHandler
from ocr_pipeline.progress import Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_bar_gives_way_to_every_other_line(
    clock: list[float], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "ocr_pipeline")
    monkeypatch.setattr(Progress, "watched", 0.0)
    stream = io.StringIO()
    handler = TerminalHandler(stream)
    logger = logging.getLogger("ocr_pipeline")
    logger.addHandler(handler)
    try:
        shown = Progress("train-fast", "steps", 10)
        clock[0] += 2
        shown.advance()
        logger.info("a line")
        shown.advance()
        handler.clear()
        handler.clear()
    finally:
        logger.removeHandler(handler)
    drawn, line, nothing = stream.getvalue().split("\r\x1b[2K")
    assert "train-fast: 1 of 10 steps (2.0 s each, 0:00:18 left)" in drawn and "\n" not in drawn
    assert line.startswith("a line\n") and "2 of 10" in line and not nothing


def test_what_was_done_before_does_not_count_for_the_speed(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ocr_pipeline")
    shown = Progress("training", "steps", every=30)
    shown.begin(500)
    clock[0] += 30
    shown.reach(510, 1000)
    assert caplog.messages == ["training: 510 of 1,000 steps (3.0 s each, 0:24:30 left)"]
