"""The process of a run: that it says where it works, and whether it is still there."""

from __future__ import annotations

import os
import re
import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg

from ocr_pipeline.orchestration.dagster_private import (
    SINGLETON_REPOSITORY_NAME,
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

_CLOCK_STEP = 5.0  # seconds by which the wall clock may have been set since
_PLACE = re.compile(r"(?: on (\S+))? \(pid: (\d+)(?:, born: (\S+))?\)")
_BOOT = Path("/proc/sys/kernel/random/boot_id")
LOCATION = "ocr_pipeline"
"""Our code location, as workspace.yaml calls it."""
HOST_TAG = "ocr_pipeline/host"
"""Of a run that was launched through no code location: the machine that it runs on."""


@dataclass(frozen=True)
class Worker:
    """The process of a run, and when (seconds since the epoch) it said so.

    Attributes:
        host: the machine it is on; empty for one that the code location of this machine started.
        born: when the process began, by a clock that nobody can set; empty where it did not say.
    """

    pid: int
    seen: float
    host: str = ""
    born: str = ""

    def lives(self) -> bool:
        """Whether it is there; what is on another machine is taken to be."""
        if self.host not in ("", socket.gethostname()):
            return True
        try:
            state, since_boot = _state_and_birth(self.pid)
        except (FileNotFoundError, ProcessLookupError):
            return False
        if self.born:
            return state != "Z" and _in_this_boot(since_boot) == self.born
        boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        return state != "Z" and boot + since_boot / os.sysconf("SC_CLK_TCK") <= self.seen + _CLOCK_STEP


def working_here() -> str:
    """What a run worker says, since a run of the command line says nowhere else where it runs."""
    born = _in_this_boot(_state_and_birth(os.getpid())[1])
    return f"Starting steps on {socket.gethostname()} (pid: {os.getpid()}, born: {born})."


def runs_here() -> dict[str, str]:
    """Tags of a run that is launched through no code location, by which that of this machine knows it."""
    return {HOST_TAG: socket.gethostname()}


def give_to_location(instance: dg.DagsterInstance, run_id: str) -> None:
    """Make a run that is over one of our code location: the first page of the UI shows no others."""
    if run := instance.get_run_by_id(run_id):
        repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), SINGLETON_REPOSITORY_NAME)
        instance.run_storage.replace_job_origin(run, RemoteJobOrigin(repository, run.job_name))


def _state_and_birth(pid: int) -> tuple[str, int]:
    """A letter for what a process does, and when it began, in ticks since the machine did."""
    state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return state, int(fields[18])


def _in_this_boot(ticks: int) -> str:
    return f"{ticks}@{_BOOT.read_text().strip()}"


def find_worker(instance: dg.DagsterInstance, run_id: str) -> Worker | None:
    """The last process that reported to work on a run; if the code location started one, that one."""
    workers = [
        Worker(int(found[2]), entry.timestamp, found[1] or "", found[3] or "")
        for entry in instance.all_logs(run_id, dg.DagsterEventType.ENGINE_EVENT)
        if (found := _PLACE.search(entry.dagster_event.message or "" if entry.dagster_event else ""))
    ]
    last = max(workers, key=lambda worker: (not worker.host, worker.seen), default=None)
    births = [worker.born for worker in workers if last and worker.pid == last.pid and worker.born]
    return replace(last, born=births[-1]) if last and births else last


def location_of(run: dg.DagsterRun) -> str | None:
    """The code location that a run was launched in; None where it was not launched through one."""
    return run.remote_job_origin.location_name if run.remote_job_origin else None
