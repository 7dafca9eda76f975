from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.training.curves import draw_curves
from ocr_pipeline.training.history import HistoryFiles

ROWS = [
    {"step": 0, "epoch": 0.0, "cer": 0.5, "count": 4},
    {"step": 2, "epoch": 0.5, "loss": 1e-05},
    {"step": 4, "epoch": 1.0, "loss": math.nan, "cer": 0.25, "count": 4},
]
PANELS = (("loss",), ("cer", "exact"))


def test_the_table_has_each_number_as_it_is_and_gaps_where_there_is_none(tmp_path: Path):
    HistoryFiles(tmp_path, PANELS).write(ROWS)
    expected = "step,epoch,cer,count,loss\n0,0.0,0.5,4,\n2,0.5,,,1e-05\n4,1.0,0.25,4,\n"
    assert (tmp_path / "results.csv").read_text() == expected


def test_columns_come_in_a_given_order_also_before_they_have_numbers(tmp_path: Path):
    HistoryFiles(tmp_path, PANELS, columns=["step", "epoch", "loss", "cer", "exact", "count"]).write(ROWS[:1])
    assert (tmp_path / "results.csv").read_text() == "step,epoch,loss,cer,exact,count\n0,0.0,,0.5,,4\n"


def test_curves_are_drawn_when_asked_for(tmp_path: Path):
    files = HistoryFiles(tmp_path, PANELS)
    files.write(ROWS, curves=False)
    assert not (tmp_path / "curves.png").exists()
    files.write(ROWS)
    assert np.array_equal(cv2.imread(str(tmp_path / "curves.png"))[..., ::-1], draw_curves(ROWS, PANELS))


def test_each_panel_shows_its_lines_and_one_without_numbers_is_left_out():
    both, one = draw_curves(ROWS, PANELS), draw_curves(ROWS, [["loss"], ["exact"]])
    assert (both.shape, one.shape) == ((480, 640, 3), (240, 640, 3))
    blue = (both == (40, 90, 200)).all(axis=-1)  # the first line of each panel
    assert blue[240 + 36, 64] and blue[240 + 123, 627]  # CER 0.5 at the first step, half of it at the last
    nothing_learnt = draw_curves([{"step": 0, "loss": 0.0}], [["loss"]])
    assert (nothing_learnt[240 - 30, 64] == (40, 90, 200)).all()  # a line of noughts lies on the floor


def test_tensorboard_has_the_finite_numbers_of_each_row(tmp_path: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    files = HistoryFiles(tmp_path, PANELS, events=tmp_path / "runs")
    for count in range(1, len(ROWS) + 1):
        files.write(ROWS[:count], curves=False)
    events = EventAccumulator(str(tmp_path / "runs")).Reload()
    assert [(event.step, event.value) for event in events.Scalars("cer")] == [(0, 0.5), (4, 0.25)]
    assert [event.step for event in events.Scalars("loss")] == [2]
    assert "step" not in events.Tags()["scalars"]


def test_tensorboard_is_refused_before_the_training_where_it_is_not_installed(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("ocr_pipeline.training.history.find_spec", lambda name: None)
    with pytest.raises(PipelineError, match="not installed"):
        HistoryFiles(tmp_path, PANELS, events=tmp_path / "runs")
