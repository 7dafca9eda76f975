"""Jobs of a few empty, independent steps, one for each way to run a step."""

from __future__ import annotations

import dagster as dg

from ocr_pipeline.orchestration.execution.executor import local_executor

STEPS = 6


@dg.op
def nothing() -> None:
    """A step that costs only what Dagster costs."""


@dg.graph
def empty() -> None:
    for number in range(STEPS):
        nothing.alias(f"nothing_{number}")()


_FORKSERVER = {"start_method": {"forkserver": {"preload_modules": ["dagster", __name__]}}, "max_concurrent": 2}

in_process = empty.to_job("in_process", executor_def=dg.in_process_executor)
spawn = empty.to_job("spawn", executor_def=dg.multiprocess_executor.configured({"max_concurrent": 2}))
forkserver = empty.to_job("forkserver", executor_def=dg.multiprocess_executor.configured(_FORKSERVER))
local = empty.to_job("local", executor_def=local_executor)

defs = dg.Definitions(jobs=[in_process, spawn, forkserver, local])
