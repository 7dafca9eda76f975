"""What the share watch remembers between two ticks, and what it asks for."""

from __future__ import annotations

import time
from pathlib import Path

import dagster as dg
import msgspec

from ocr_pipeline.orchestration.automation.sweep import Sweep, Tally

FILES_TAG = "ocr_pipeline/files"
"""Tag of a run: fingerprint of the files it was requested for."""
_TRIFLE = 5.0  # seconds


class Clock(msgspec.Struct, frozen=True):
    """How the clocks of a machine stand: the one that people set, and the seconds since it was started.

    Attributes:
        boot: names that start.
    """

    wall: float = 0.0
    running: float = 0.0
    boot: str = ""

    @classmethod
    def now(cls) -> Clock:
        boot = Path("/proc/sys/kernel/random/boot_id")
        running = time.clock_gettime(time.CLOCK_BOOTTIME) if boot.exists() else time.monotonic()
        return cls(time.time(), running, boot.read_text().strip() if boot.exists() else "")

    def set_by_since(self, before: Clock) -> float:
        """By how many seconds the wall clock was set since then, as far as that is known; trifles are none."""
        if before.boot and before.boot == self.boot:
            jump = (self.wall - before.wall) - (self.running - before.running)
        else:
            jump = min(0.0, self.wall - before.wall)
        return jump if abs(jump) > _TRIFLE else 0.0


class Watch(msgspec.Struct):
    """The sensor's cursor: the look at the share that is under way, what the last whole one saw, and what was started.

    Attributes:
        clock: how the clocks stood at the last tick.
        looked: when (seconds) the last whole look ended.
        seen: tally of each partition and since when (seconds) it has looked like that.
        started: tally of each partition when its data job was last requested.
        starts: how often that was.
        strayed: when a partition that looks otherwise by now, or did meanwhile, was last seen as it was started.
        again: how often in a row it was requested again without a change.
    """

    place: str = ""
    sweep: Sweep = msgspec.field(default_factory=Sweep)
    clock: Clock = msgspec.field(default_factory=Clock)
    looked: float = 0.0
    seen: dict[str, tuple[Tally, float]] = msgspec.field(default_factory=dict)
    started: dict[str, Tally] = msgspec.field(default_factory=dict)
    starts: dict[str, int] = msgspec.field(default_factory=dict)
    strayed: dict[str, float] = msgspec.field(default_factory=dict)
    again: dict[str, int] = msgspec.field(default_factory=dict)

    def follow_clock(self, clock: Clock) -> None:
        """Move all times along with a wall clock that was set since the last tick: what waits, waits real seconds."""
        jump, self.clock = clock.set_by_since(self.clock), clock
        if jump:
            self.looked += jump
            self.seen = {key: (tally, since + jump) for key, (tally, since) in self.seen.items()}
            self.strayed = {key: when + jump for key, when in self.strayed.items()}

    def see(self, tallies: dict[str, Tally], now: float) -> None:
        """Take note of what a whole look saw."""
        for partition, tally in tallies.items():
            before = self.seen.get(partition)
            same = before is not None and before[0].fingerprint == tally.fingerprint
            self.seen[partition] = (tally, before[1] if before and same else now)
        self.seen = {partition: self.seen[partition] for partition in tallies}
        for partition in self.started:
            if not self.is_as_started(partition):
                self.strayed.setdefault(partition, self.looked)
        self.looked = now

    def is_as_started(self, partition: str) -> bool:
        """Whether a partition looks as it did when its data job was last requested."""
        return self.seen.get(partition, (Tally(), 0.0))[0].fingerprint == self.started[partition].fingerprint

    def start(self, change: Change) -> None:
        """Note that the data job of a partition is requested."""
        self.started[change.partition] = change.tally
        self.starts[change.partition] = change.number + 1
        self.strayed.pop(change.partition, None)
        self.again[change.partition] = change.again


class Change(msgspec.Struct, frozen=True):
    """A partition whose data job is to be requested.

    Attributes:
        waits: for that many seconds yet.
        last: fingerprint of what it was when that was last done, and ``number`` how often it was.
        again: how often in a row without a change, with this one.
    """

    partition: str
    tally: Tally
    why: str
    waits: float = 0.0
    last: str = ""
    number: int = 0
    again: int = 0

    @property
    def request(self) -> dg.RunRequest:
        """The same change is never requested twice: Dagster keeps the run keys, should the cursor be lost."""
        return dg.RunRequest(
            run_key=f"{self.partition}:{self.number}:{self.last}>{self.tally.fingerprint}",
            partition_key=self.partition,
            tags={"ocr_pipeline/why": self.why, FILES_TAG: self.tally.fingerprint},
        )


def read_cursor(cursor: str | None, place: str) -> Watch:
    """The cursor of a watch over this share; a new one for another share, or where it is not to be understood."""
    try:
        watch = msgspec.json.decode(cursor, type=Watch) if cursor else Watch()
    except msgspec.DecodeError:  # of another release
        watch = Watch()
    return watch if watch.place == place and watch.sweep.is_of_these_sets else Watch(place=place)
