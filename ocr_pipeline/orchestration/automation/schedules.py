"""The night: every data set on the share once more, whatever the watch did or did not see.

The comparison itself happens in the run, whose stages find their artifacts current or not; a tick only asks which sets
are there at all.
"""

import dagster as dg

from ocr_pipeline.data.datasets import DATASETS
from ocr_pipeline.data.datasets.dataset import find_roots
from ocr_pipeline.orchestration.automation.settings import AutomationSettings
from ocr_pipeline.orchestration.jobs import DATA_JOB
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.storage.source.share import Share


def nightly_schedule(settings: AutomationSettings) -> dg.ScheduleDefinition:
    """Runs when the cron line says so; without one it can be turned on in the UI."""

    @dg.schedule(
        job_name=DATA_JOB,
        cron_schedule=settings.nightly or "0 3 * * *",
        default_status=dg.DefaultScheduleStatus.RUNNING if settings.nightly else dg.DefaultScheduleStatus.STOPPED,
        description="The data job of every set that is on the share (OCR_PIPELINE_NIGHTLY='0 3 * * *').",
    )
    def nightly_data(
        context: dg.ScheduleEvaluationContext, locations: Locations
    ) -> list[dg.RunRequest] | dg.SkipReason:
        night = context.scheduled_execution_time.date().isoformat()
        return _requests(locations.share, night)

    return nightly_data


def _requests(share: Share, night: str) -> list[dg.RunRequest] | dg.SkipReason:
    """One request for each partition of the sets that are there."""
    present = [dataset for dataset in DATASETS if find_roots(share, dataset.folder)]
    if not present:
        return dg.SkipReason(f"No data set lies on the share {share.place}.")
    return [
        dg.RunRequest(
            run_key=f"{partition.key}:{night}",
            partition_key=partition.key,
            tags={"ocr_pipeline/why": f"the night of {night}"},
        )
        for dataset in present
        for partition in dataset.partitions
    ]
