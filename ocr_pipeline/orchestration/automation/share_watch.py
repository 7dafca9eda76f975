"""The sensor that sees new labels: it watches the share and starts the data job for just the partitions that changed.

A delivery that is still being copied is left alone: a partition must look the same for a while (what its files' times
say is not asked, copies often keep them), or a marker file must have appeared or been written anew since the last run.
A partition that is empty, or that vanished with its mount, starts nothing; one that shrank waits longer, for the rest
may come back; and one that came back as it once was starts again, as what was made meanwhile may be of less. What
became of all that is followed up (`follow_up`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from functools import partial
from typing import TypeVar

import dagster as dg
import msgspec

from ocr_pipeline.data.corrections import corrections_effect
from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.automation.follow_up import follow_up, given_up, outcome_of
from ocr_pipeline.orchestration.automation.settings import LONGEST_TICK, AutomationSettings
from ocr_pipeline.orchestration.automation.sweep import Sweep, Tally, walk_on
from ocr_pipeline.orchestration.automation.watched import Change, Clock, Watch, read_cursor
from ocr_pipeline.orchestration.jobs import DATA_JOB
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.storage.source.share import Share

Effect = Callable[[str], str]
T = TypeVar("T")

SHRUNKEN_WAITS = 6
"""Times as long as others."""


def look(
    share: Share,
    watch: Watch,
    settings: AutomationSettings,
    now: float,
    effect_of: Effect = lambda partition: "",
    *,
    seconds: float | None = None,
) -> list[Change]:
    """Walk the share on for as long as a tick may take; at its end, say what changed (settled or not yet).

    Args:
        now: seconds; all waiting is counted between looks.
        effect_of: fingerprint of a partition's corrections, which are delivered as its files are.
        seconds: that long instead.
    """
    until = time.monotonic() + (settings.tick_seconds if seconds is None else seconds)
    walk_on(share, watch.sweep, marker=settings.marker, until=until)
    if not watch.sweep.is_over:
        return []
    watch.see({key: files.corrected(effect_of(key)) for key, files in watch.sweep.tallies.items()}, now)
    watch.sweep = Sweep()
    return list(_changes(watch, settings, now))


def _changes(watch: Watch, settings: AutomationSettings, now: float) -> Iterator[Change]:
    for partition in PARTITIONS:
        tally, since = watch.seen.get(partition, (Tally(), now))
        last = watch.started.get(partition, Tally())
        if not tally.files or tally.fingerprint == last.fingerprint:
            continue
        why = f"{tally.files} files, {last.files} when it last ran"
        if tally.corrections != last.corrections:
            why += "; corrections came"
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
        description="Changed files of a partition, and corrections, start its data job (OCR_PIPELINE_WATCH=1).",
    )
    def share_watch(context: dg.SensorEvaluationContext, locations: Locations) -> dg.SensorResult | dg.SkipReason:
        workspace = locations.workspace
        watch = read_cursor(context.cursor, locations.share.place)
        watch.follow_clock(Clock.now())
        effect_of = partial(corrections_effect, workspace)
        changes = in_time(partial(look, locations.share, watch, settings, time.time(), effect_of), locations.share)
        changes += follow_up(watch, settings, time.time(), partial(outcome_of, context.instance, workspace))
        return _answer(context, watch, changes)

    return share_watch


def in_time(work: Callable[[], T], share: Share, seconds: float = LONGEST_TICK + 10) -> T:
    """What some work on the share gives.

    Raises:
        PipelineError: it takes longer than a tick may; it is left to itself then.
    """
    thread = ThreadPoolExecutor(1, "look")
    try:
        return thread.submit(work).result(seconds)
    except TimeoutError as error:
        raise PipelineError(
            f"the share has not answered for {seconds:g} s",
            where=share.place,
            remedy="Check the mount or the server; the next look begins where this one did.",
        ) from error
    finally:
        thread.shutdown(wait=False)


def _answer(
    context: dg.SensorEvaluationContext, watch: Watch, changes: list[Change]
) -> dg.SensorResult | dg.SkipReason:
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
    if partitions := ", ".join(given_up(watch)):
        return f"Nothing has changed. No longer asked for until something does, after several failures: {partitions}."
    return "Nothing has changed since the data jobs last ran."
