"""A training on several devices: a process for each, its lines and its result in the step, stopped together."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from torch import distributed

from ocr_pipeline.devices.machine import LEASED_GPUS_VARIABLE
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.execution.many_devices import train_on_leased_devices
from ocr_pipeline.training.stopping import StopSigns, TrainingStoppedError
from ocr_pipeline_tests.orchestration.conftest import until

logger = logging.getLogger("ocr_pipeline.pretended_training")


@dataclass
class Settings:
    output_dir: Path
    steps: int = 1


def make_log() -> Callable[[str], None]:
    return lambda text: logger.info("progress: %s", text)


def training(settings: Settings, train: list[Path], valid: list[Path], on_progress: Callable[[str], None]) -> Any:
    """Adds up the ranks of all processes, as a training does gradients; saves when it is told to stop."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        on_progress("alone")
        return [0]
    distributed.init_process_group("gloo")
    ranks: list[int | None] = [None] * count
    distributed.all_gather_object(ranks, distributed.get_rank())
    on_progress(f"{len(ranks)} together")
    (settings.output_dir / f"began_{os.environ['RANK']}").touch()
    with StopSigns(None) as signs:
        for _ in range(settings.steps):
            time.sleep(0.1)
            if signs.terminated:
                (settings.output_dir / f"saved_{os.environ['RANK']}").touch()
                raise TrainingStoppedError("stopped", where=settings.output_dir, remedy="Run it again.")
    distributed.destroy_process_group()
    return ranks


def failing(settings: Settings, train: list[Path], valid: list[Path], on_progress: Callable[[str], None]) -> Any:
    if os.environ["RANK"] == "1":
        raise PipelineError("the loss is not finite", where="page 3", remedy="Look at it.")
    time.sleep(600)


@pytest.mark.slow
@pytest.mark.parametrize(("gpus", "said"), [(1, "progress: alone"), (2, "progress: 2 together")])
def test_each_device_has_a_process_and_the_first_one_speaks(
    gpus: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(LEASED_GPUS_VARIABLE, str(gpus))
    caplog.set_level(logging.INFO, "ocr_pipeline")
    assert train_on_leased_devices(training, Settings(tmp_path), [], [], make_log) == list(range(gpus))
    assert [line for line in caplog.messages if line.startswith("progress")] == [said]


@pytest.mark.slow
def test_one_that_fails_takes_the_others_along_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LEASED_GPUS_VARIABLE, "2")
    began = time.monotonic()
    with pytest.raises(PipelineError, match="the loss is not finite: page 3"):
        train_on_leased_devices(failing, Settings(tmp_path), [], [], make_log)
    assert time.monotonic() - began < 300  # and not the 600 s of the other process


@pytest.mark.slow
def test_all_save_when_their_parent_is_told_to_stop(tmp_path: Path) -> None:
    code = f"from {__name__} import *\n" + (
        "if __name__ == '__main__':\n"
        f"    train_on_leased_devices(training, Settings(Path({str(tmp_path)!r}), 6000), [], [], make_log)\n"
    )
    (tmp_path / "parent.py").write_text(code)
    environment = {**os.environ, LEASED_GPUS_VARIABLE: "2"}
    parent = subprocess.Popen(
        [sys.executable, tmp_path / "parent.py"], env=environment, stderr=subprocess.PIPE, text=True
    )
    until(lambda: len(list(tmp_path.glob("began_*"))) == 2)
    parent.send_signal(signal.SIGTERM)
    _, said = parent.communicate(timeout=60)
    assert len(list(tmp_path.glob("saved_*"))) == 2
    assert parent.returncode != 0 and "TrainingStoppedError: 2 processes were stopped" in said
