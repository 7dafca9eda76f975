"""Trainings that take turns: each goes on for a few steps while all others wait, so that any load falls on all."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch

StepEnded = Callable[[], None]


class Cost(NamedTuple):
    """Seconds of one block of steps: by the clock, and of this process's processor time."""

    clock: float
    processor: float


class Turns:
    """One training, which calls what it is given after every step, in a thread that runs only while it has its turn.

    It is never finished: nobody waits for the thread when all turns are over.
    """

    def __init__(self, train: Callable[[StepEnded], None]) -> None:
        self._train, self._ended = train, False
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def block(self, steps: int) -> Cost:
        """Go on for so many steps."""
        clock, processor = time.perf_counter(), time.process_time()
        for _ in range(steps):
            self._go.release()
            self._back.acquire()
        if self._ended:
            raise RuntimeError("a training ended before its turns were over")
        return Cost(time.perf_counter() - clock, time.process_time() - processor)

    def _run(self) -> None:
        torch.set_num_threads(1)
        self._go.acquire()
        try:
            self._train(self._step_ended)
        finally:
            self._ended = True
            self._back.release()

    def _step_ended(self) -> None:
        self._back.release()
        self._go.acquire()


class Spread(NamedTuple):
    """Median and quartiles of the ratios of all rounds."""

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f}-{self.high:.2f})"


def take_turns(trainings: Mapping[str, Turns], *, warm: int, steps: int, rounds: int) -> dict[str, list[Cost]]:
    """A block of each training in every round, the order reversed from round to round; ``warm`` steps come before."""
    for training in trainings.values():
        training.block(warm)
    costs: dict[str, list[Cost]] = {name: [] for name in trainings}
    for number in range(rounds):
        for name in list(trainings)[:: -1 if number % 2 else 1]:
            costs[name].append(trainings[name].block(steps))
    return costs


def ratios(costs: list[Cost], peer: list[Cost]) -> tuple[Spread, Spread]:
    """How many times as fast as the peer, round by round: by the clock, and by processor time."""
    pairs = list(zip(costs, peer, strict=True))
    return (
        _spread([theirs.clock / own.clock for own, theirs in pairs]),
        _spread([theirs.processor / own.processor for own, theirs in pairs]),
    )


def _spread(values: list[float]) -> Spread:
    return Spread(*statistics.quantiles(values, n=4))
