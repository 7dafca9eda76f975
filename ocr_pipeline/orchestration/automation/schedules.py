"""The night: every data set on the share once more, whatever the watch did or did not see.

The comparison itself happens in the run, whose stages find their artifacts current or not; a tick only asks which sets
are there at all.
"""

import dagster as dg

from ocr_pipeline.data.datasets import DATASETS
from ocr_pipeline.data.datasets.dataset import find_roots
from ocr_pipeline.orchestration.automation.settings import SETTINGS
from ocr_pipeline.orchestration.jobs import data_job
from ocr_pipeline.orchestration.resources import Locations


@dg.schedule(
    job=data_job,
    cron_schedule=SETTINGS.nightly or "0 3 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING if SETTINGS.nightly else dg.DefaultScheduleStatus.STOPPED,
    description="The data job of every set that is on the share (OCR_PIPELINE_NIGHTLY='0 3 * * *').",
)
def nightly_data(context: dg.ScheduleEvaluationContext, locations: Locations) -> list[dg.RunRequest] | dg.SkipReason:
    """One request for each partition of the sets that are there."""
    share, night = locations.share, context.scheduled_execution_time.date().isoformat()
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
