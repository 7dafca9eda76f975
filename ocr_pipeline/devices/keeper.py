"""A keeper stands beside one step: it waits for a lease, starts the step on it, and gives it back when all is over.

    python -m ocr_pipeline.devices.keeper '{"folder": ..., ...}' command argument ...

Nothing of a step outlives it. A step that ends or is killed takes all processes it started along; a keeper whose
parent dies, or that is told to stop (SIGTERM), tells the step so and kills what is left after the grace; a keeper that
is killed takes the step along (PR_SET_PDEATHSIG), and the step's own children hold the lease until they are gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

from ocr_pipeline.devices.machine import CPU_SLOT, LEASED_CPUS_VARIABLE, LEASED_GPUS_VARIABLE, Demand, Machine
from ocr_pipeline.devices.queue import LeaseQueue

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_SOON = 0.02  # seconds


@dataclass(frozen=True)
class Order:
    """All a keeper must know.

    Attributes:
        parent: process whose death stops the step.
        grace: seconds from the request to stop to the kill.
    """

    folder: Path
    machine: Machine
    demand: Demand
    owner: str
    parent: int
    patience: float = 60.0
    grace: float = 50.0

    def command(self, step: list[str]) -> list[str]:
        """The command line of the keeper of a step."""
        return [sys.executable, "-m", "ocr_pipeline.devices.keeper", json.dumps(asdict(self), default=str), *step]

    @classmethod
    def parse(cls, text: str) -> Order:
        fields = json.loads(text)
        machine = Machine(**{**fields["machine"], "gpus": tuple(fields["machine"]["gpus"])})
        return cls(
            **{**fields, "folder": Path(fields["folder"]), "machine": machine, "demand": Demand(**fields["demand"])}
        )


class _StopRequested(Exception):  # noqa: N818 - a request, no error
    """The step is no longer wanted."""


def main(arguments: list[str]) -> int:
    """Keep one step; the exit code is the step's, 128 + n after signal n, 143 if it never started."""
    order = Order.parse(arguments[0])
    signal.signal(signal.SIGTERM, _stop)
    sys.unraisablehook = _stop_soon
    adopt_orphans()
    try:
        _die_with(order.parent, signal.SIGTERM)
        place = LeaseQueue(order.folder, order.machine, order.patience).enter(order.demand, order.owner)
        step = _start(arguments[1:], place.wait(), order.demand.cpus, place.lock)
        code = _accompany(step, order.grace)
    except _StopRequested:
        code = 128 + signal.SIGTERM
    _kill_rest()
    return code


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _StopRequested


def _stop_soon(lost: sys.UnraisableHookArgs) -> None:
    """A request that fell into a callback, as each fork has some, whose caller Python keeps from hearing of it."""
    if not issubclass(lost.exc_type, _StopRequested):
        sys.__unraisablehook__(lost)
        return
    signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, _SOON)


def _start(command: list[str], devices: tuple[str, ...], cpus: int, lock: int) -> subprocess.Popen[bytes]:
    keeper = os.getpid()

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored by what a shell put into the background
        _die_with(keeper, signal.SIGKILL)

    gpus = [device for device in devices if device != CPU_SLOT]
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": ",".join(gpus),
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        LEASED_CPUS_VARIABLE: str(max(1, cpus)),
        LEASED_GPUS_VARIABLE: str(len(gpus)),
    }
    return subprocess.Popen(command, env=environment, pass_fds=[lock], preexec_fn=prepare)


def _accompany(step: subprocess.Popen[bytes], grace: float) -> int:
    """Wait for the step, and stop it if asked to."""
    try:
        code = step.wait()
    except _StopRequested:
        step.terminate()
        try:
            code = step.wait(grace)
        except subprocess.TimeoutExpired:
            step.kill()
            code = step.wait()
    return code if code >= 0 else 128 - code


def _kill_rest() -> None:
    """Kill every process of this group and every orphan handed to this process, until none is left.

    The lease is given back by the end of this process, so never before.
    """
    while relatives := _relatives():
        for pid in relatives:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        time.sleep(0.01)


def _relatives() -> list[int]:
    me, found = os.getpid(), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != me:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                _, parent, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
                if me in (int(parent), int(group)):
                    found.append(int(entry.name))
    return found


def adopt_orphans() -> None:
    """Make this process the parent of whatever processes below it lose theirs."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _die_with(parent: int, number: int) -> None:
    """Have the kernel send this process a signal when its parent dies, or send it now if that has happened."""
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def _prctl(option: int, argument: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, argument, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
