"""A training process that is killed or asked to stop, and goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from ocr_pipeline.fast import FastTraining, read_weights, train_fast

PROCESS = """
import sys, time
from ocr_pipeline.cli.training import train_fast_command
from ocr_pipeline.fast import training
record = training._Training._record
def slowly(self, *arguments):
    record(self, *arguments)
    time.sleep(0.2)
training._Training._record = slowly
train_fast_command(sys.argv[1:])
"""
OPTIONS = {
    "max_steps": 12,
    "save_every_steps": 2,
    "log_every_steps": 1,
    "val_every_steps": 100,
    "num_workers": 1,
    "val_num_workers": 0,
    "num_threads": 1,
    "quiet": True,
}


def start(config: Path, lmdb_base: Path, output_dir: Path) -> subprocess.Popen:
    flags = [f"--{name}={value}" for name, value in OPTIONS.items() if name != "quiet"]
    places = [f"--config={config}", f"--lmdb_base={lmdb_base}", f"--output_dir={output_dir}", "--quiet"]
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS, *places, *flags],
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
        start_new_session=True,
    )


def wait_for_checkpoint(process: subprocess.Popen, folder: Path) -> None:
    until = time.monotonic() + 120
    while not list(folder.glob("checkpoint_*.pth")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.kill
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_a_training_that_was_stopped_ends_in_the_same_weights(sent, tmp_path: Path, config: Path, lmdbs):
    settings = {"config": config, **OPTIONS}
    uninterrupted = train_fast(FastTraining(output_dir=tmp_path / "whole", **settings), lmdbs[:1], lmdbs[1:])
    process = start(config, tmp_path, tmp_path / "parts")
    wait_for_checkpoint(process, tmp_path / "parts")
    os.killpg(process.pid, sent)  # as a service manager or Ray does: the loader's workers get it too
    errors = process.communicate(timeout=120)[1]
    assert process.returncode == (-signal.SIGKILL if sent == signal.SIGKILL else 143), errors
    assert ("stopped by SIGTERM at step" in errors) == (sent == signal.SIGTERM)
    rows: list[dict] = []
    resumed = train_fast(
        FastTraining(output_dir=tmp_path / "parts", resume="auto", **settings), lmdbs[:1], lmdbs[1:], rows.append
    )
    assert 0 < len(rows) < 12  # it went on, and not from the beginning
    one, other = (read_weights(result.last_checkpoint).state for result in (uninterrupted, resumed))
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert resumed.history == uninterrupted.history
