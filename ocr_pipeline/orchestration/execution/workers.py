"""The process of a run: that it says where it works, and whether it is still there."""

from __future__ import annotations

import os
import re
import socket
import time
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

_CLOCK_STEP = 5.0  # seconds by which the wall clock may have been set since
_PLACE = re.compile(r"(?: on (\S+))? \(pid: (\d+)\)")


@dataclass(frozen=True)
class Worker:
    """The process of a run, and when (seconds since the epoch) it said so.

    Attributes:
        host: the machine it is on; empty for one that the code location of this machine started.
    """

    pid: int
    seen: float
    host: str = ""

    def lives(self) -> bool:
        """Whether it is there; what is on another machine is taken to be."""
        if self.host not in ("", socket.gethostname()):
            return True
        try:
            state, *fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return False
        since_boot = int(fields[18]) / os.sysconf("SC_CLK_TCK")
        born = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + since_boot
        return state != "Z" and born <= self.seen + _CLOCK_STEP


def working_here() -> str:
    """What a run worker says, since a run of the command line says nowhere else where it runs."""
    return f"Starting steps on {socket.gethostname()} (pid: {os.getpid()})."


def find_worker(instance: dg.DagsterInstance, run_id: str) -> Worker | None:
    """The last process that reported to work on a run; if the code location started one, that one."""
    workers = [
        Worker(int(found[2]), entry.timestamp, found[1] or "")
        for entry in instance.all_logs(run_id, dg.DagsterEventType.ENGINE_EVENT)
        if (found := _PLACE.search(entry.dagster_event.message or "" if entry.dagster_event else ""))
    ]
    return max(workers, key=lambda worker: (not worker.host, worker.seen), default=None)


def location_of(run: dg.DagsterRun) -> str | None:
    """The code location that a run was launched in; None where it was not launched through one."""
    return run.remote_job_origin.location_name if run.remote_job_origin else None
