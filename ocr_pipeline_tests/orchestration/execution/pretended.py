"""A code location of steps that only write down which devices they see, and when; some misbehave when asked to."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from pathlib import Path

import dagster as dg

from ocr_pipeline.orchestration.execution.choice import chosen_executor
from ocr_pipeline.orchestration.execution.demands import GPU_POOL, demand_tags
from ocr_pipeline.orchestration.execution.stopping import stopped_by_the_stage
from ocr_pipeline.orchestration.upkeep.reaper import orphaned_runs
from ocr_pipeline.training.stopping import StopSigns, TrainingStoppedError

FOLDER_VARIABLE = "OCR_PIPELINE_PRETENDED_FOLDER"
FOLDER = Path(os.environ.get(FOLDER_VARIABLE, "."))


def record(*words: object) -> None:
    with (FOLDER / "log").open("a") as log:
        log.write(" ".join(map(str, words)) + "\n")


def step(name: str, gpus: int) -> dg.OpDefinition:
    @dg.op(name=name, tags=demand_tags(gpus=gpus))
    def compute() -> None:
        devices = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        record("start", name, devices)
        time.sleep(0.2)
        record("end", name, devices)

    return compute


def heavy_step(name: str, gpus: int, cpus: int, seconds: float) -> dg.OpDefinition:
    """A step that holds what it was given under locks of its own, which the executor knows nothing of."""

    @dg.op(name=name, tags=demand_tags(gpus=gpus, cpus=cpus), retry_policy=dg.RetryPolicy(max_retries=3))
    def compute(context) -> None:
        devices = [device for device in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if device]
        run = context.run.root_run_id or context.run_id
        record("start", run, name, os.getpid(), len(devices))
        with contextlib.ExitStack() as held:
            for device in devices:
                lock = held.enter_context((FOLDER / f"device_{device}").open("w"))
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    record("conflict", run, name, device)
            time.sleep(seconds)
        record("end", run, name)

    return compute


MANY = [(1, 1), (0, 4), (4, 2), (1, 1), (2, 1), (0, 1), (1, 2), (2, 2), (1, 1), (3, 1)]
"""(devices, cores) of ten steps on a machine with four of the one and six of the other."""


@dg.op(pool=GPU_POOL, retry_policy=dg.RetryPolicy(max_retries=1))
def killed_once() -> None:
    record("pid", os.getpid(), os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    if not (FOLDER / "killed").exists():
        (FOLDER / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)


@dg.op(pool=GPU_POOL)
def endless() -> None:
    record("pid", os.getpid())
    try:
        time.sleep(600)
    finally:
        record("stopped")


@dg.op(pool=GPU_POOL)
def training() -> None:
    """A minute of a stage that stops as FAST does, saving only when it is told to stop."""
    saved = FOLDER / "saved"
    first = int(saved.read_text()) if saved.exists() else 0
    record("pid", os.getpid(), first)
    with stopped_by_the_stage(), StopSigns(None) as signs:
        for done in range(first, 1 if first else 600):
            time.sleep(0.1)
            if signs.terminated:
                time.sleep(float(os.environ.get("PRETENDED_SAVING", 0)))
                saved.write_text(str(done + 1))
                raise TrainingStoppedError("stopped", where=saved, remedy="Run it again.")


@dg.op(tags=demand_tags(gpus=9))
def too_big() -> None:
    record("started")


@dg.job
def mixed() -> None:
    for number, gpus in enumerate((1, 0, 2)):
        step(f"step_{number}_of_{gpus}", gpus)()


@dg.job
def many() -> None:
    for number, (gpus, cpus) in enumerate(MANY):
        heavy_step(f"heavy_{number}_of_{gpus}", gpus, cpus, seconds=1 + number % 3)()


@dg.job
def killed_once_job() -> None:
    killed_once()


@dg.job
def endless_job() -> None:
    endless()


@dg.job
def training_job() -> None:
    training()


@dg.job
def too_big_job() -> None:
    too_big()


defs = dg.Definitions(
    jobs=[mixed, many, killed_once_job, endless_job, training_job, too_big_job],
    executor=chosen_executor(),
    sensors=[orphaned_runs],
)
