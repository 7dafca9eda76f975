"""What became of what the watch started: its runs and what is published are compared with what lies on the share.

A job that failed, or whose work is not there, is requested again a few times, each time after twice as long a pause.
One is also requested again where what is published may be of other files than those that lie there now: a partition
came back as it once was, and something was published while it was not so, or the last run was requested for another
state (the cursor was lost). Where everything turns out to be current, such a run takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import dagster as dg
import msgspec

from ocr_pipeline.orchestration.automation.settings import AutomationSettings
from ocr_pipeline.orchestration.automation.sweep import Tally
from ocr_pipeline.orchestration.automation.watched import FILES_TAG, Change, Watch
from ocr_pipeline.orchestration.dagster_private import WILL_RETRY_TAG
from ocr_pipeline.orchestration.jobs import DATA_JOB
from ocr_pipeline.storage.artifacts.manifest import known_manifest, published_at
from ocr_pipeline.storage.artifacts.workspace import Workspace

PATIENCE = 3
"""How often a job is requested again before the watch waits for a change or a person."""


class Outcome(msgspec.Struct, frozen=True):
    """What became of a partition's data jobs.

    Attributes:
        is_left_alone: one waits, runs, or will be tried again by Dagster itself; or a person ended the last one.
        failed: when (seconds) the last one did; 0 where it did not.
        published: when its merged JSON or lookup last was; 0 where one of them is not.
        files: fingerprint of the files that the last one was requested for; empty where nobody said.
    """

    is_left_alone: bool = False
    failed: float = 0.0
    published: float = 0.0
    files: str = ""


def outcome_of(instance: dg.DagsterInstance, workspace: Workspace, partition: str) -> Outcome:
    """What became of a partition's data jobs, by the last run and by what is published."""
    filters = dg.RunsFilter(job_name=DATA_JOB, tags={"dagster/partition": partition})
    published = _published(workspace, partition)
    for record in instance.get_run_records(filters, limit=1):
        run, ended = record.dagster_run, record.end_time or record.update_timestamp.timestamp()
        has_failed = run.status is dg.DagsterRunStatus.FAILURE
        is_over = run.is_success or (has_failed and run.tags.get(WILL_RETRY_TAG) != "true")
        return Outcome(not is_over, ended if has_failed else 0.0, published, run.tags.get(FILES_TAG, ""))
    return Outcome(published=published)


def _published(workspace: Workspace, partition: str) -> float:
    artifacts = workspace.merged_json(partition), workspace.lookup(partition)
    if any(known_manifest(artifact) is None for artifact in artifacts):
        return 0.0
    return max(map(published_at, artifacts))


def follow_up(
    watch: Watch, settings: AutomationSettings, now: float, outcome_of: Callable[[str], Outcome]
) -> Iterator[Change]:
    """The partitions that look as they were started and whose data job is to be requested again, settled or not yet."""
    for partition, tally in watch.started.items():
        if tally.files and partition in watch.seen and watch.is_as_started(partition):
            outcome = outcome_of(partition)
            if not outcome.is_left_alone and (change := _again(watch, settings, now, partition, outcome)):
                yield change


def _again(watch: Watch, settings: AutomationSettings, now: float, partition: str, outcome: Outcome) -> Change | None:
    tally, since = watch.seen[partition]
    again, pause = watch.again.get(partition, 0), settings.quiet_seconds
    why = _why(outcome, tally, watch.strayed.get(partition))
    if not why:
        watch.again.pop(partition, None)
        if now - since >= pause:
            watch.strayed.pop(partition, None)
    if not why or again >= PATIENCE:
        return None
    waits = max(since + pause, min(outcome.failed, now) + pause * 2**again) - now
    number, last = watch.starts.get(partition, 0), watch.started[partition].fingerprint
    return Change(partition, tally, why, max(0.0, waits), last, number, again + 1)


def _why(outcome: Outcome, tally: Tally, strayed: float | None) -> str:
    """Why a job is to be requested again; empty where all is well."""
    if outcome.failed:
        return "its last run failed"
    if not outcome.published:
        return "nothing of it is published"
    if outcome.files not in ("", tally.fingerprint):
        return "its last run was for other files"
    if strayed is not None and outcome.published >= strayed:
        return "it came back, and something was published while it was otherwise"
    return ""


def given_up(watch: Watch) -> list[str]:
    """The partitions that were requested again as often as any is."""
    return [partition for partition, times in watch.again.items() if times >= PATIENCE]
