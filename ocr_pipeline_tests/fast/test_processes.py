"""Two processes that share one training, started by torchrun as a user starts them (on the CPU, over gloo)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import FastTraining, read_weights, train_fast
from ocr_pipeline.fast.checkpoints import read_state
from ocr_pipeline.fast.data_parallel import distributed, share_statistics
from ocr_pipeline.training.processes import Processes, connected, own_device
from ocr_pipeline_tests.fast.conftest import SMALL_CONFIG
from ocr_pipeline_tests.fast.test_interruption import PROCESS, wait_for_checkpoint

TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "--no-python", sys.executable]
COMMAND = ["-c", "from ocr_pipeline.cli import main; main()", "train-fast"]
SLOW_COMMAND = ["-c", "import os; open(os.environ['PIDS'] + os.environ['RANK'], 'w').write(str(os.getpid()))" + PROCESS]
OPTIONS = {"max_steps": 4, "ga_steps": 2, "log_every_steps": 1, "save_every_steps": 1, "val_every_steps": 3}
STEADY = {"dropout: 0.2": "dropout: 0.0", "learning_rate: 5.0e-3": "learning_rate: 5.0e-4", "clip_norm: 5": ""}
"""Small steps, whose size clipping does not hide: rounding stays rounding, and a wrong average shows."""


def start(command: list[str], config: Path, output_dir: Path, *more: str) -> subprocess.Popen:
    options = {**OPTIONS, "config": config, "lmdb_base": config.parent, "output_dir": output_dir}
    flags = [f"--{name}={value}" for name, value in options.items()]
    flags += ["--num_workers=0", "--val_num_workers=0", "--device=cpu", *more]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PIDS": str(output_dir)}
    return subprocess.Popen(
        [sys.executable, *TORCHRUN, *command, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )


def run(config: Path, output_dir: Path, *more: str) -> str:
    process = start(COMMAND, config, output_dir, *more)
    output = process.communicate(timeout=240)[0]
    assert process.returncode == 0, output
    return output


def distance(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """Between the convolutions of two networks."""
    return sum((one[key] - other[key]).square().sum().item() for key in one if one[key].dim() == 4) ** 0.5


@pytest.mark.slow
def test_two_processes_train_as_one_with_twice_the_batch_and_go_on_where_one_of_them_was_stopped(tmp_path: Path, lmdbs):
    config, doubled = tmp_path / "two.yaml", tmp_path / "one.yaml"
    text = SMALL_CONFIG + "optimizer: SGD\nema_decay: 0.9\n"
    for given, steady in STEADY.items():
        text = text.replace(given, steady)
    config.write_text(text)
    doubled.write_text(text.replace("batch_size: 2", "batch_size: 4"))
    output = run(config, tmp_path / "two")
    assert output.count("step 4 of 4") == 1 and output.count("best: ") == 1  # one of them speaks
    alone = FastTraining(config=doubled, output_dir=tmp_path / "one", num_workers=0, val_num_workers=0, **OPTIONS)
    one = train_fast(alone, lmdbs[:1], lmdbs[1:])
    two = tmp_path / "two" / one.last_checkpoint.name
    expected, shared = read_state(one.last_checkpoint), read_state(two)
    for weights in ("state_dict", "ema"):
        torch.testing.assert_close(getattr(shared, weights), getattr(expected, weights), rtol=1e-3, atol=1e-5)
    learned = read_state(one.last_checkpoint.with_name("checkpoint_epoch_1.pth")).state_dict
    assert distance(shared.state_dict, expected.state_dict) < 0.02 * distance(learned, expected.state_dict)
    for row, other in zip(shared.history, expected.history, strict=True):
        assert row == pytest.approx(other, rel=1e-4, nan_ok=True)
    assert shared.position == expected.position == 4 * 2 * 4

    process = start(SLOW_COMMAND, config, tmp_path / "parts")
    wait_for_checkpoint(process, tmp_path / "parts")
    os.kill(int((tmp_path / "parts1").read_text()), signal.SIGTERM)
    output = process.communicate(timeout=240)[0]
    assert process.returncode and "stopped by SIGTERM at step" in output
    assert "going on from" in run(config, tmp_path / "parts", "--resume=auto")
    resumed = tmp_path / "parts" / two.name
    state, uninterrupted = read_weights(resumed).state, read_weights(two).state
    assert all(torch.equal(state[key], uninterrupted[key]) for key in uninterrupted)
    assert read_state(resumed).history == shared.history


def test_without_torchrun_there_is_one_process():
    network = nn.Linear(1, 1)
    with connected(torch.device("cpu")) as processes:
        assert (processes.count, processes.writes) == (1, True)
        assert distributed(network, processes) is network
        assert processes.gather("a") == ["a"]
        assert (processes.any(True), processes.any(False)) == (True, False)


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for name, value in {"WORLD_SIZE": "3", "LOCAL_RANK": "2", "RANK": "2"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(PipelineError, match="there are 2"):
        own_device(torch.device("cuda"))


def test_shared_statistics_keep_the_names_and_the_evaluation(monkeypatch):
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).eval()
    pictures, names = torch.rand(2, 3, 5, 5), list(network.state_dict())
    before = network(pictures)
    share_statistics(network)
    assert torch.equal(network(pictures), before) and list(network.state_dict()) == names


def test_processes_that_see_different_files_are_told(tmp_path: Path, config: Path, lmdbs, monkeypatch):
    monkeypatch.setattr(Processes, "gather", lambda self, value: [value, "something else"])
    with pytest.raises(PipelineError, match="file system that all machines share"):
        train_fast(FastTraining(config=config, output_dir=tmp_path / "out", num_workers=0), lmdbs[:1], lmdbs[1:])
