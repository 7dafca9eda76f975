"""Runs that were to be tried again while their code location was away: the daemon gives them up, and is asked anew.

A container that is replaced ends its runs, and the daemon wants to try them again at once. It has to ask the code
location for that; if nobody answers, it writes "Failed to retry run" and never comes back to the run
(``dagster/_daemon/auto_run_reexecution``, 1.13). A failure that is reported once more is looked at once more.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import dagster as dg

from ocr_pipeline.orchestration.dagster_private import AUTO_RETRY_RUN_ID_TAG, PARENT_RUN_ID_TAG, WILL_RETRY_TAG
from ocr_pipeline.orchestration.execution.workers import location_of

GIVEN_UP = "Failed to retry run"
LOOK_BACK = timedelta(hours=1)
_TIMES = 5


def ask_again_for_retries(instance: dg.DagsterInstance, location: str) -> list[str]:
    """Report the failure of such runs anew, each a few times at most; returns their ids.

    Runs that somebody has launched again are left alone.

    Args:
        location: the code location of the runs, which answers now.
    """
    since = datetime.now(timezone.utc) - LOOK_BACK
    filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], tags={WILL_RETRY_TAG: "false"}, updated_after=since)
    given_up = [
        run for run in instance.get_runs(filters) if location_of(run) == location and _was_given_up(instance, run)
    ]
    for run in given_up:
        instance.add_run_tags(run.run_id, {WILL_RETRY_TAG: "true"})
        instance.report_run_failed(run, "Its code location was away when it was to be tried again; that is asked anew.")
    return [run.run_id for run in given_up]


def _was_given_up(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    if AUTO_RETRY_RUN_ID_TAG in run.tags or instance.get_runs(dg.RunsFilter(tags={PARENT_RUN_ID_TAG: run.run_id})):
        return False
    events = instance.all_logs(run.run_id, {dg.DagsterEventType.ENGINE_EVENT, dg.DagsterEventType.RUN_FAILURE})
    told = [
        event.message == GIVEN_UP
        for event in events
        if event.message == GIVEN_UP or event.dagster_event_type is dg.DagsterEventType.RUN_FAILURE
    ]
    return bool(told) and told[-1] and sum(told) <= _TIMES
