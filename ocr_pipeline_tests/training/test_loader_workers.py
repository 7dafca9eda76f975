"""A training's workers, in processes of their own: a group that gets SIGTERM, and a training that fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

TRAINING = """
import os, sys, time
import torch
from torch.utils.data import DataLoader, Dataset
from ocr_pipeline.training.loader_workers import LoaderWorkers, forkserver
from ocr_pipeline.training.stopping import StopSigns

class Numbers(Dataset):
    def __len__(self):
        return 10_000

    def __getitem__(self, index):
        return torch.tensor([index, os.getpid()])

def train(method, failing):
    workers, context = LoaderWorkers(), forkserver(["torch"]) if method == "forkserver" else "fork"
    loader = DataLoader(Numbers(), num_workers=2, multiprocessing_context=context, worker_init_fn=workers.start)
    with StopSigns(None) as signs, workers:
        batches = iter(loader)
        print(*(int(next(batches)[0, 1]) for _ in range(2)), flush=True)  # one of each
        while not signs.terminated:
            time.sleep(0.01)
        for _ in range(50):
            next(batches)
        print("saved", flush=True)
        if failing:
            raise RuntimeError("the loss is not finite")

if __name__ == "__main__":
    train(sys.argv[1], sys.argv[2] == "failing")
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "forkserver"])
@pytest.mark.parametrize("end", ["well", "failing"])
def test_workers_serve_until_the_training_has_saved_and_end_with_it(tmp_path, method: str, end: str) -> None:
    (tmp_path / "training.py").write_text(TRAINING)
    command = [sys.executable, str(tmp_path / "training.py"), method, end]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, start_new_session=True, text=True, **pipes) as training:
        workers = list(map(int, training.stdout.readline().split()))
        os.killpg(training.pid, signal.SIGTERM)
        assert training.stdout.readline() == "saved\n"
        _, errors = training.communicate(timeout=60)
    assert training.returncode == (0 if end == "well" else 1)
    assert ("not finite" in errors) == (end == "failing")
    for worker in workers:
        _await_end(worker)


def _await_end(process: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError("a worker stays behind")
