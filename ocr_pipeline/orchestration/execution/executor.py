"""The resource-bound executor: each step in a process of its own, on devices leased for as long as it runs.

It is Dagster's StepDelegatingExecutor, as the executors for Docker, Kubernetes and Ray are; instead of a container a
keeper (`ocr_pipeline.devices.keeper`) stands beside each step. The pool ``gpu`` still queues steps and shows them in
the UI; the lease is what a crash cannot leak.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg
import platformdirs

from ocr_pipeline.devices.keeper import Order
from ocr_pipeline.devices.machine import Demand, Machine, find_machine
from ocr_pipeline.orchestration.dagster_private import (
    CheckStepHealthResult,
    DagsterEvent,
    EngineEventData,
    InitExecutorContext,
    RetryMode,
    StepDelegatingExecutor,
    StepHandler,
    StepHandlerContext,
    get_retries_config,
    multiple_process_executor_requirements,
)
from ocr_pipeline.orchestration.execution.demands import demand_of, known_pages
from ocr_pipeline.orchestration.execution.workers import working_here

LEASES_VARIABLE = "OCR_PIPELINE_LEASES"
PATIENCE_SECONDS = 60.0
GRACE_SECONDS = 50.0
_POLL_SECONDS = 0.2


def leases_folder() -> Path:
    """Where the leases of this machine are: OCR_PIPELINE_LEASES, else below the user's state folder.

    Nobody clears that up while a training runs for weeks, as is done with temporary folders. It may lie in a home that
    several machines share, so each has its own. Users that share devices must name the same folder, open to them all.
    """
    fallback = platformdirs.user_state_path("ocr_pipeline") / "leases" / socket.gethostname()
    return Path(os.environ.get(LEASES_VARIABLE) or fallback).absolute()


STEP_OPTIONS = {
    "retries": get_retries_config(),
    "max_concurrent": dg.Field(dg.Noneable(int), default_value=None, description="Steps of a run at once."),
    "grace_seconds": dg.Field(
        float, default_value=GRACE_SECONDS, description="From the request to stop a step to its kill."
    ),
}
"""The options of an executor that hands its steps on."""


def handing_on(
    handler: StepHandler, config: Mapping[str, object], *, sleep_seconds: float, ask_every: int, verifies: bool = False
) -> StepDelegatingExecutor:
    """The executor that hands its steps on to a handler.

    Args:
        config: values of `STEP_OPTIONS`.
        sleep_seconds: between two rounds of its work; ask_every: seconds between two looks at the steps' health.
        verifies: whether a step asks first if it was not started already.
    """
    max_concurrent = config["max_concurrent"]
    return StepDelegatingExecutor(
        handler,
        retries=RetryMode.from_config(config["retries"]),  # type: ignore[arg-type]
        sleep_seconds=sleep_seconds,
        check_step_health_interval_seconds=ask_every,
        max_concurrent=max_concurrent if isinstance(max_concurrent, int) else None,
        should_verify_step=verifies,
    )


@dg.executor(
    name="local",
    config_schema={
        **STEP_OPTIONS,
        "patience_seconds": dg.Field(
            float, default_value=PATIENCE_SECONDS, description="After this wait a step is no longer passed over."
        ),
    },
    requirements=multiple_process_executor_requirements(),
)
def local_executor(init_context: InitExecutorContext) -> StepDelegatingExecutor:
    """Steps as processes of this machine, each on the devices, cores and memory that its tags ask for."""
    config = init_context.executor_config
    handler = LeasedStepHandler(
        leases_folder(),
        find_machine(),
        patience=float(str(config["patience_seconds"])),
        grace=float(str(config["grace_seconds"])),
    )
    return handing_on(handler, config, sleep_seconds=_POLL_SECONDS, ask_every=1)


class LeasedStepHandler(StepHandler):
    """Starts, watches and stops the keepers of a run's steps."""

    def __init__(self, folder: Path, machine: Machine, *, patience: float, grace: float) -> None:
        super().__init__()
        self.folder, self.machine, self.patience, self.grace = folder, machine, patience, grace
        self._keepers: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def name(self) -> str:
        return "LeasedStepHandler"

    def launch_step(self, step_handler_context: StepHandlerContext) -> Iterator[DagsterEvent]:
        (key,) = step_handler_context.step_tags
        step = step_handler_context.get_step_context(key)
        pages = known_pages(step_handler_context.dagster_run)
        demand = self.machine.possible(demand_of(step.step.tags, step.step.pool, pages))
        arguments = step_handler_context.execute_step_args
        owner = f"{arguments.run_id} {key}"
        order = Order(self.folder, self.machine, demand, owner, os.getpid(), self.patience, self.grace)
        if not self._keepers:
            yield DagsterEvent.engine_event(step, working_here(), EngineEventData())
        self._keepers[key] = subprocess.Popen(
            order.command([sys.executable, "-m", "dagster", "api", "execute_step"]),
            env={**os.environ, **{item["name"]: item["value"] for item in arguments.get_command_env()}},
            start_new_session=True,
        )
        yield DagsterEvent.step_worker_starting(step, _in_words(demand), metadata={"keeper": self._keepers[key].pid})

    def check_step_health(self, step_handler_context: StepHandlerContext) -> CheckStepHealthResult:
        (key,) = step_handler_context.step_tags
        code = self._keepers[key].poll()
        if not code:  # still there, or ended well
            return CheckStepHealthResult.healthy()
        _kill_group(self._keepers[key].pid)  # what a killed keeper could not clear away
        number = -code if code < 0 else code - 128
        how = f"was killed by {signal.Signals(number).name}" if number > 0 else f"ended with exit code {code}"
        return CheckStepHealthResult.unhealthy(f"its process {how}")

    def terminate_step(self, step_handler_context: StepHandlerContext) -> Iterator[DagsterEvent]:
        (key,) = step_handler_context.step_tags
        self._keepers[key].terminate()
        yield DagsterEvent.engine_event(
            step_handler_context.get_step_context(key),
            f"Asked the step to stop; what is left of it after {self.grace:g} s is killed",
            EngineEventData(),
        )


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return  # nothing is left


def _in_words(demand: Demand) -> str:
    memory = f", {demand.memory_gb:g} GB of memory" if demand.memory_gb else ""
    return f"Waiting for a lease: devices {demand.gpus}, cores {demand.cpus}{memory}."
