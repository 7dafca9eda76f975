"""Old runs, taken out of Dagster's log: all but those that still tell of what is published.

To delete a run deletes its materialisations too. So a run stays as long as one of them is the last of its asset or
partition, is what the last one of another was made from (else that one would look stale), or has the last pictures.
The files of SQLite do not shrink by themselves, so those of the home are packed.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import dagster as dg

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.release.recipe_file import recipe_settings

PURGE_JOB = "purge"
_OVER = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_AT_ONCE = 500
_POINTER = "dagster/input_event_pointer/"
_LOOK_BACK = 50
"""Materialisations among which the last pictures are looked for."""


def purge(instance: dg.DagsterInstance, *, keep_days: float) -> int:
    """Delete the runs that ended longer ago than that and are needed no more; returns how many."""
    before = datetime.now(timezone.utc) - timedelta(days=keep_days)
    old = instance.get_runs(dg.RunsFilter(statuses=_OVER, updated_before=before), limit=_AT_ONCE, ascending=True)
    needed = set(_needed_runs(instance))
    gone = [run.run_id for run in old if run.run_id not in needed]
    for run_id in gone:
        instance.delete_run(run_id)
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        _events_of(instance, run_id).unlink(missing_ok=True)
    if gone:
        _pack(Path(instance.root_directory))
    return len(gone)


def _needed_runs(instance: dg.DagsterInstance) -> Iterator[str]:
    for key in instance.get_asset_keys():
        for partition in _partitions(instance, key):
            records = _told(instance, key, partition, limit=_LOOK_BACK)
            if records:
                yield records[0].run_id
                yield from _made_from(instance, records[0])
                yield from [each.run_id for each in records if "data:image" in str(each.asset_materialization)][:1]


def _made_from(instance: dg.DagsterInstance, record: dg.EventLogRecord) -> Iterator[str]:
    """The runs that told of what a materialisation was made from, as that was then."""
    tags = (record.asset_materialization.tags if record.asset_materialization else None) or {}
    for tag, pointer in tags.items():
        if tag.startswith(_POINTER) and pointer.isdigit():
            above = dg.AssetKey.from_user_string(tag.removeprefix(_POINTER))
            for partition in _partitions(instance, above):
                then = _told(instance, above, partition, limit=1, before=int(pointer) + 1)
                yield from (each.run_id for each in then)


def _partitions(instance: dg.DagsterInstance, key: dg.AssetKey) -> list[str | None]:
    return [*sorted(instance.get_materialized_partitions(key))] or [None]


def _told(
    instance: dg.DagsterInstance, key: dg.AssetKey, partition: str | None, *, limit: int, before: int | None = None
) -> list[dg.EventLogRecord]:
    """The last materialisations, the newest first."""
    wanted = dg.AssetRecordsFilter(key, asset_partitions=[partition] if partition else None, before_storage_id=before)
    return list(instance.fetch_materializations(wanted, limit=limit).records)


def _events_of(instance: dg.DagsterInstance, run_id: str) -> Path:
    """Where SQLite keeps the events of a run."""
    return Path(instance.root_directory) / "history" / "runs" / f"{run_id}.db"


def _pack(home: Path) -> None:
    for file in sorted(home.rglob("*.db")):
        with closing(sqlite3.connect(file, timeout=60)) as database:
            database.execute("VACUUM")


@dg.op(required_resource_keys={"locations"})
def forget_old_runs(context) -> None:
    """Delete the runs that ended more than OCR_PIPELINE_KEEP_RUNS_DAYS ago, 500 at most."""
    from ocr_pipeline.orchestration.automation.settings import AutomationSettings

    locations: Locations = context.resources.locations
    keep_days = recipe_settings(AutomationSettings, "automation", locations.workspace).keep_runs_days
    if keep_days is None:
        raise PipelineError(
            "nobody said how long runs are kept",
            where="OCR_PIPELINE_KEEP_RUNS_DAYS",
            remedy="Set it to a number of days, or keep_runs_days in the recipe's section automation.",
        )
    began, deleted = time.monotonic(), purge(context.instance, keep_days=keep_days)
    context.log.info(f"{deleted} runs older than {keep_days:g} days deleted in {time.monotonic() - began:.0f} s.")


@dg.job(
    name=PURGE_JOB,
    executor_def=dg.in_process_executor,
    description="Deletes old runs from Dagster's log (OCR_PIPELINE_KEEP_RUNS_DAYS); what is published stays known.",
)
def purge_job() -> None:
    forget_old_runs()
