"""The sensor that sees new labels: it watches the share and starts the data job for just the partitions that changed.

A delivery that is still being copied is left alone: a partition must look the same for a while (what its files' times
say is not asked, copies often keep them), or a marker file must have appeared or been written anew since the last run.
A partition that is empty, or that vanished with its mount, starts nothing; one that shrank waits longer, for the rest
may come back; and one that came back as it once was starts again, as what was made meanwhile may be of less.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import dagster as dg
import msgspec

from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.orchestration.automation.settings import AutomationSettings
from ocr_pipeline.orchestration.automation.sweep import Sweep, Tally, walk_on
from ocr_pipeline.orchestration.jobs import DATA_JOB
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.storage.source.share import Share

SHRUNKEN_WAITS = 6
"""Times as long as others."""


class Watch(msgspec.Struct):
    """The sensor's cursor: the look at the share that is under way, what the last whole one saw, and what was started.

    Attributes:
        seen: tally of each partition and since when (seconds) it has looked like that.
        started: tally of each partition when its data job was last requested.
        starts: how often that was.
    """

    place: str = ""
    sweep: Sweep = msgspec.field(default_factory=Sweep)
    seen: dict[str, tuple[Tally, float]] = msgspec.field(default_factory=dict)
    started: dict[str, Tally] = msgspec.field(default_factory=dict)
    starts: dict[str, int] = msgspec.field(default_factory=dict)

    def start(self, change: Change) -> None:
        """Note that the data job of a partition is requested."""
        self.started[change.partition] = change.tally
        self.starts[change.partition] = change.number + 1


class Change(msgspec.Struct, frozen=True):
    """A partition that differs from when its data job was last requested.

    Attributes:
        last: fingerprint of what it was then, and ``number`` how often it was requested before.
        waits: for that many seconds yet.
    """

    partition: str
    tally: Tally
    why: str
    waits: float = 0.0
    last: str = ""
    number: int = 0

    @property
    def request(self) -> dg.RunRequest:
        """The same change is never requested twice: Dagster keeps the run keys, should the cursor be lost."""
        return dg.RunRequest(
            run_key=f"{self.partition}:{self.number}:{self.last}>{self.tally.fingerprint}",
            partition_key=self.partition,
            tags={"ocr_pipeline/why": self.why},
        )


def read_cursor(cursor: str | None, place: str) -> Watch:
    """The cursor of a watch over this share; a new one for another share."""
    watch = msgspec.json.decode(cursor, type=Watch) if cursor else Watch()
    return watch if watch.place == place else Watch(place=place)


def look(share: Share, watch: Watch, settings: AutomationSettings, now: float) -> list[Change]:
    """Walk the share on for as long as a tick may take; at its end, say what changed (settled or not yet).

    Args:
        now: seconds; all waiting is counted between looks.
    """
    until = time.monotonic() + settings.tick_seconds
    walk_on(share, watch.sweep, marker=settings.marker, until=until)
    if not watch.sweep.is_over:
        return []
    for partition, tally in watch.sweep.tallies.items():
        before = watch.seen.get(partition)
        same = before is not None and before[0].fingerprint == tally.fingerprint
        watch.seen[partition] = (tally, before[1] if before and same else now)
    watch.seen = {partition: watch.seen[partition] for partition in watch.sweep.tallies}
    watch.sweep = Sweep()
    return list(_changes(watch, settings, now))


def _changes(watch: Watch, settings: AutomationSettings, now: float) -> Iterator[Change]:
    for partition in PARTITIONS:
        tally, since = watch.seen.get(partition, (Tally(), now))
        last = watch.started.get(partition, Tally())
        if not tally.files or tally.fingerprint == last.fingerprint:
            continue
        why = f"{tally.files} files, {last.files} when it last ran"
        if tally.marker and tally.marker != last.marker:
            why, waits = f"{why}; marked as delivered", 0.0
        else:
            quiet = settings.quiet_seconds * (SHRUNKEN_WAITS if tally.files < last.files else 1)
            why, waits = f"{why}; quiet for {now - since:.0f} s", max(0.0, quiet - (now - since))
        yield Change(partition, tally, why, waits, last.fingerprint, watch.starts.get(partition, 0))


def watch_sensor(settings: AutomationSettings) -> dg.SensorDefinition:
    """Takes one look at the share at each tick."""

    @dg.sensor(
        job_name=DATA_JOB,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING if settings.watch else dg.DefaultSensorStatus.STOPPED,
        description="New, changed or removed files of a partition start its data job (OCR_PIPELINE_WATCH=1).",
    )
    def share_watch(context: dg.SensorEvaluationContext, locations: Locations) -> dg.SensorResult | dg.SkipReason:
        return _tick(context, locations.share, settings)

    return share_watch


def _tick(
    context: dg.SensorEvaluationContext, share: Share, settings: AutomationSettings
) -> dg.SensorResult | dg.SkipReason:
    watch = read_cursor(context.cursor, share.place)
    changes = look(share, watch, settings, time.time())
    settled = [change for change in changes if not change.waits]
    for change in settled:
        watch.start(change)
    cursor = msgspec.json.encode(watch).decode()
    for change in changes:
        waiting = f", runs after {change.waits:.0f} s more without a change" if change.waits else ""
        context.log.info(f"{change.partition}: {change.why}{waiting}")
    if settled:
        return dg.SensorResult(run_requests=[change.request for change in settled], cursor=cursor)
    context.update_cursor(cursor)
    return dg.SkipReason(_why_nothing(watch, changes))


def _why_nothing(watch: Watch, changes: list[Change]) -> str:
    if watch.sweep.folder or watch.sweep.walked:
        return f"The look at the share goes on at the next tick, after {'/'.join(watch.sweep.folder)}."
    if changes:
        return "Not settled yet: " + "; ".join(f"{c.partition} ({c.why}, {c.waits:.0f} s to go)" for c in changes)
    return "Nothing has changed since the data jobs last ran."
