"""The queue of leases: a folder of tickets, each locked by the process it belongs to.

A ticket is a file under a kernel lock (flock) that its owner never gives up: whoever can take the lock knows that the
owner is gone, however it died, and removes the ticket. All other changes are made under the lock of the whole folder.

Policy: tickets are served in the order they came. One that does not fit yet is passed over by younger ones that do
(backfilling), until it has waited ``patience`` seconds; from then on all it needs is reserved as it gets free. So no
device is idle while a step that fits waits, unless a step that waited too long is being made room for; and a big
request waits at most ``patience`` and the rest of the longest lease.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from ocr_pipeline.devices.locks import make_open_folder, open_lock, take
from ocr_pipeline.devices.machine import Demand, Machine

_GATE = "gate.lock"
_SUFFIX = ".ticket"


@dataclass(frozen=True)
class Ticket:
    """A place in the queue; ``devices`` are what it holds, None while it waits.

    Attributes:
        number: tickets of lower numbers came first.
        since: when it came, in seconds of the machine's monotonic clock.
        owner: who asks, for people.
    """

    number: int
    demand: Demand
    since: float
    owner: str
    devices: tuple[str, ...] | None = None


def grants(tickets: Iterable[Ticket], machine: Machine, now: float, patience: float) -> dict[int, tuple[str, ...]]:
    """Which waiting tickets may start now, and on which devices; the policy of this module, and nothing else."""
    tickets = sorted(tickets, key=lambda ticket: ticket.number)
    running = [ticket for ticket in tickets if ticket.devices is not None]
    held = {device for ticket in running for device in ticket.devices or ()}
    devices = [device for device in machine.devices if device not in held]
    cpus = machine.cpus - sum(ticket.demand.cpus for ticket in running)
    memory = machine.memory_gb - sum(ticket.demand.memory_gb for ticket in running)
    granted: dict[int, tuple[str, ...]] = {}
    for ticket in tickets:
        wanted = ticket.demand
        if ticket.devices is not None:
            continue
        if wanted.gpus <= len(devices) and wanted.cpus <= max(0, cpus) and wanted.memory_gb <= max(0, memory):
            granted[ticket.number] = tuple(devices[: wanted.gpus])
        elif now - ticket.since < patience:
            continue
        devices, cpus, memory = devices[wanted.gpus :], cpus - wanted.cpus, memory - wanted.memory_gb
    return granted


class LeaseQueue:
    """The queue of one machine.

    Args:
        folder: where the tickets lie; on a local disk, the same for all who share the devices.
        patience: seconds after which a request is no longer passed over.
    """

    def __init__(self, folder: Path, machine: Machine, patience: float) -> None:
        self.folder, self.machine, self.patience = folder, machine, patience
        make_open_folder(folder)

    def enter(self, demand: Demand, owner: str) -> Place:
        """Take a ticket."""
        with self._gate():
            self._alive()  # takes away what the dead left, as far as it may
            number = 1 + max((int(path.stem) for path in self.folder.glob(f"*{_SUFFIX}")), default=0)
            ticket = Ticket(number, demand, time.monotonic(), owner)
            lock = open_lock(self._path(number))
            take(lock, self._path(number))
            self._write(ticket)
        return Place(self, ticket, lock)

    def tickets(self) -> list[Ticket]:
        """All tickets whose owners live, in their order."""
        with self._gate():
            return self._alive()

    def serve(self, number: int) -> tuple[str, ...] | None:
        """The devices of a waiting ticket, if its turn has come; they are its own from now on."""
        with self._gate():
            alive = self._alive()
            devices = grants(alive, self.machine, time.monotonic(), self.patience).get(number)
            if devices is not None:
                (ticket,) = (ticket for ticket in alive if ticket.number == number)
                self._write(Ticket(number, ticket.demand, ticket.since, ticket.owner, devices))
            return devices

    @contextmanager
    def _gate(self) -> Iterator[None]:
        gate = open_lock(self.folder / _GATE)
        try:
            take(gate, self.folder / _GATE, waits=True)
            yield
        finally:
            os.close(gate)

    def _alive(self) -> list[Ticket]:
        tickets = []
        for path in self.folder.glob(f"*{_SUFFIX}"):
            if is_abandoned(path):
                with contextlib.suppress(PermissionError):  # another user's, in a folder where each removes his own
                    path.unlink()
            else:
                tickets.append(_read(path))
        return sorted(tickets, key=lambda ticket: ticket.number)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:09d}{_SUFFIX}"

    def _write(self, ticket: Ticket) -> None:
        self._path(ticket.number).write_text(json.dumps(asdict(ticket)))


@dataclass(frozen=True)
class Place:
    """A ticket of this process; ``lock`` is the file descriptor that keeps it, and may be inherited."""

    queue: LeaseQueue
    ticket: Ticket
    lock: int

    def wait(self, interval: float = 0.2) -> tuple[str, ...]:
        """Wait for the devices asked for."""
        while (devices := self.queue.serve(self.ticket.number)) is None:
            time.sleep(interval)
        return devices

    def leave(self) -> None:
        """Give everything back; to end the process does the same."""
        os.close(self.lock)


def is_abandoned(path: Path) -> bool:
    """Whether no living process holds the lock of a file."""
    with path.open() as file:
        return take(file.fileno(), path)


def _read(path: Path) -> Ticket:
    fields = json.loads(path.read_text())
    devices = None if fields["devices"] is None else tuple(fields["devices"])
    return Ticket(fields["number"], Demand(**fields["demand"]), fields["since"], fields["owner"], devices)
