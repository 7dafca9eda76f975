"""Keepers as processes: 20 steps of two runs over 4 pretended devices, and what kills leave behind."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from ocr_pipeline.devices.keeper import Order
from ocr_pipeline.devices.machine import Demand, Machine
from ocr_pipeline.devices.queue import LeaseQueue

MACHINE = Machine(("0", "1", "2", "3"), cpus=8, memory_gb=8)
STEP = """
import fcntl, os, sys, time
folder, log = sys.argv[1:]
devices = [device for device in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if device]
def record(what):
    with open(log, "a") as file:
        file.write(" ".join([what, str(os.getpid()), *devices]) + "\\n")
locks = [open(f"{folder}/device-{device}", "w") for device in devices]
try:
    for lock in locks:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    record("clash")
record("start")
time.sleep(0.1)
record("end")
"""
RUN_WORKER = """
import json, os, subprocess, sys
from dataclasses import replace
from ocr_pipeline.devices.keeper import Order
for line in sys.stdin:
    order, command = json.loads(line)
    order = replace(Order.parse(order), parent=os.getpid())
    subprocess.Popen(order.command(command), start_new_session=True)
import time; time.sleep(600)
"""


def until(reached: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def keep(queue: LeaseQueue, demand: Demand, *command: str, grace: float = 20) -> subprocess.Popen[bytes]:
    order = Order(queue.folder, queue.machine, demand, "test", os.getpid(), queue.patience, grace)
    return subprocess.Popen(order.command(list(command)), start_new_session=True)


def owners(queue: LeaseQueue) -> list[tuple[str, ...]]:
    return [ticket.devices for ticket in queue.tickets() if ticket.devices is not None]


def gone(pid: int) -> bool:
    """Dead, or a zombie that nobody has reaped yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture
def queue(tmp_path: Path) -> LeaseQueue:
    return LeaseQueue(tmp_path / "leases", MACHINE, patience=1.0)


def start_run(queue: LeaseQueue, demands: list[Demand], command: list[str]) -> subprocess.Popen[bytes]:
    """A process that starts a keeper for each demand, as a run worker does, and stays."""
    orders = [json.dumps(asdict(Order(queue.folder, queue.machine, d, "test", 0, 1.0)), default=str) for d in demands]
    worker = subprocess.Popen([sys.executable, "-c", RUN_WORKER], stdin=subprocess.PIPE)
    assert worker.stdin
    worker.stdin.write("".join(json.dumps([order, command]) + "\n" for order in orders).encode())
    worker.stdin.close()
    return worker


@pytest.mark.parametrize("kills", [0, 6])
def test_twenty_steps_of_two_runs_never_share_a_device(queue: LeaseQueue, tmp_path: Path, kills: int) -> None:
    """Each step takes a lock of its own on each device it was given: an independent witness, also of kills."""
    draw, log = random.Random(kills), tmp_path / "log"
    log.touch()
    demands = [Demand(draw.choice([0, 1, 1, 2, 4]), draw.randint(1, 3)) for _ in range(20)]
    command = [sys.executable, "-S", "-c", STEP, str(tmp_path), str(log)]
    runs = [start_run(queue, demands[start::2], command) for start in (0, 1)]

    def lines(what: str) -> list[list[str]]:
        return [line.split()[1:] for line in log.read_text().splitlines() if line.startswith(what)]

    for kill in range(kills):
        until(lambda kill=kill: len(lines("start")) > 2 * kill)
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(lines("start")[-1][0]), signal.SIGKILL)
    until(lambda: len(lines("start")) == 20 and queue.tickets() == [])
    for run in runs:
        run.kill()
        run.wait()
    assert lines("clash") == []
    assert sorted(len(devices) for _, *devices in lines("start")) == sorted(demand.gpus for demand in demands)
    assert len(lines("end")) >= 20 - kills


def test_a_step_ends_with_all_it_started(queue: LeaseQueue, tmp_path: Path) -> None:
    """The child of the same session and the one that fled into a session of its own; the step itself is killed -9."""
    pids = tmp_path / "pids"
    script = f"sleep 600 & echo $! >> {pids}; setsid sleep 600 & echo $! >> {pids}; echo $$ >> {pids}; wait"
    keeper = keep(queue, Demand(2), "sh", "-c", script)
    until(lambda: pids.exists() and len(pids.read_text().split()) == 3)
    *children, step = map(int, pids.read_text().split())
    os.kill(step, signal.SIGKILL)
    assert keeper.wait(30) == 128 + signal.SIGKILL
    assert all(gone(pid) for pid in children)
    assert queue.tickets() == []


def test_a_killed_keeper_takes_its_step_along(queue: LeaseQueue, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    keeper = keep(queue, Demand(4), "sh", "-c", f"echo $$ > {pid}; exec sleep 600")
    until(lambda: pid.exists() and pid.read_text())
    keeper.kill()
    keeper.wait()
    until(lambda: gone(int(pid.read_text())))
    assert owners(queue) == []


def test_children_of_a_killed_keeper_hold_its_lease_until_they_are_gone(queue: LeaseQueue, tmp_path: Path) -> None:
    """A forked worker, such as a data loader's, may still use the device."""
    pid = tmp_path / "pid"
    keeper = keep(queue, Demand(4), "sh", "-c", f"sleep 600 & echo $! > {pid}; wait")
    until(lambda: pid.exists() and pid.read_text())
    keeper.kill()
    keeper.wait()
    assert owners(queue) == [("0", "1", "2", "3")]
    os.kill(int(pid.read_text()), signal.SIGKILL)
    until(lambda: owners(queue) == [])


def test_a_killed_run_worker_leaves_nothing_behind(queue: LeaseQueue, tmp_path: Path) -> None:
    worker = start_run(queue, [Demand(2)] * 3, ["sleep", "600"])
    until(lambda: len(owners(queue)) == 2 and len(queue.tickets()) == 3)  # two hold devices, one waits
    worker.kill()
    worker.wait()
    until(lambda: queue.tickets() == [])


def test_a_request_to_stop_lets_the_step_finish_its_work(queue: LeaseQueue, tmp_path: Path) -> None:
    ready, saved = tmp_path / "ready", tmp_path / "saved"
    script = f"trap 'sleep 0.3; touch {saved}; exit 3' TERM; touch {ready}; while :; do sleep 0.05; done"
    keeper = keep(queue, Demand(1), "sh", "-c", script)
    until(ready.exists)
    keeper.terminate()
    keeper.terminate()  # a run worker that ends after it asked says so again
    assert keeper.wait(30) == 3
    assert saved.exists()


def test_a_request_to_stop_that_falls_into_a_fork_is_heard(queue: LeaseQueue) -> None:
    """Python drops what is raised in the callbacks of a fork."""
    script = """
import os, signal, sys
from ocr_pipeline.devices import keeper
os.register_at_fork(after_in_parent=lambda: signal.raise_signal(signal.SIGTERM))
sys.exit(keeper.main(sys.argv[1:]))
"""
    order = Order(queue.folder, queue.machine, Demand(1), "test", os.getpid(), queue.patience, 20)
    _, _, _, text, *step = order.command(["sleep", "600"])
    done = subprocess.run([sys.executable, "-c", script, text, *step], timeout=50, start_new_session=True, check=False)
    assert done.returncode == 128 + signal.SIGTERM
    assert queue.tickets() == []


def test_what_does_not_stop_is_killed_after_the_grace(queue: LeaseQueue, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = f"trap '' TERM; touch {ready}; while :; do sleep 0.05; done"
    keeper = keep(queue, Demand(1), "sh", "-c", script, grace=0.3)
    until(ready.exists)
    keeper.terminate()
    assert keeper.wait(30) == 128 + signal.SIGKILL
    assert queue.tickets() == []


def test_a_waiting_step_can_be_cancelled(queue: LeaseQueue) -> None:
    holder = queue.enter(Demand(4), "holder")
    holder.wait()
    keeper = keep(queue, Demand(1), "true")
    until(lambda: len(queue.tickets()) == 2)
    keeper.terminate()
    assert keeper.wait(30) == 128 + signal.SIGTERM
    assert [ticket.owner for ticket in queue.tickets()] == ["holder"]
    holder.leave()
    assert queue.tickets() == []


def test_a_step_without_gpus_sees_none(queue: LeaseQueue, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    for machine, demand in ((MACHINE, Demand(0)), (Machine((), 2, 8), Demand(1))):
        LeaseQueue(queue.folder, machine, 1)
        script = f'echo "[$CUDA_VISIBLE_DEVICES]" >> {seen}'
        order = Order(queue.folder, machine, demand, "test", os.getpid())
        assert subprocess.run(order.command(["sh", "-c", script])).returncode == 0
    assert seen.read_text() == "[]\n[]\n"
