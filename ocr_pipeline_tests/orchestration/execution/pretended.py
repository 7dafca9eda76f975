"""A code location of steps that only write down which devices they see, and when; some misbehave when asked to."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import dagster as dg

from ocr_pipeline.fast import TrainingStoppedError
from ocr_pipeline.fast.stopping import StopSigns
from ocr_pipeline.orchestration.execution.choice import chosen_executor
from ocr_pipeline.orchestration.execution.demands import GPU_POOL, demand_tags
from ocr_pipeline.orchestration.execution.stopping import stopped_by_the_stage

FOLDER_VARIABLE = "OCR_PIPELINE_PRETENDED_FOLDER"
FOLDER = Path(os.environ.get(FOLDER_VARIABLE, "."))


def record(*words: object) -> None:
    with (FOLDER / "log").open("a") as log:
        log.write(" ".join(map(str, words)) + "\n")


def step(name: str, gpus: int) -> dg.OpDefinition:
    @dg.op(name=name, tags=demand_tags(gpus=gpus))
    def compute() -> None:
        devices = os.environ["CUDA_VISIBLE_DEVICES"]
        record("start", name, devices)
        time.sleep(0.2)
        record("end", name, devices)

    return compute


@dg.op(pool=GPU_POOL, retry_policy=dg.RetryPolicy(max_retries=1))
def killed_once() -> None:
    record("pid", os.getpid(), os.environ["CUDA_VISIBLE_DEVICES"])
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
    with stopped_by_the_stage(TrainingStoppedError), StopSigns(None) as signs:
        for done in range(first, 1 if first else 600):
            time.sleep(0.1)
            if signs.terminated:
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


defs = dg.Definitions(jobs=[mixed, killed_once_job, endless_job, training_job, too_big_job], executor=chosen_executor())
