"""When the night begins; a tick only asks whether any data set is there at all."""

import dagster as dg

from ocr_pipeline.data.datasets import DATASETS
from ocr_pipeline.data.datasets.dataset import find_roots
from ocr_pipeline.orchestration.automation.night import NIGHT_JOB
from ocr_pipeline.orchestration.automation.settings import AutomationSettings
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.upkeep.purging import PURGE_JOB


def nightly_schedule(settings: AutomationSettings) -> dg.ScheduleDefinition:
    """Runs when the cron line says so; without one it can be turned on in the UI."""

    @dg.schedule(
        job_name=NIGHT_JOB,
        cron_schedule=settings.nightly or "0 3 * * *",
        execution_timezone=settings.zone,
        default_status=dg.DefaultScheduleStatus.RUNNING if settings.nightly else dg.DefaultScheduleStatus.STOPPED,
        description="What is not current of the sets on the share is made (OCR_PIPELINE_NIGHTLY='0 3 * * *'), by the "
        f"clock of {settings.zone} (OCR_PIPELINE_TIMEZONE).",
    )
    def nightly_data(context: dg.ScheduleEvaluationContext, locations: Locations) -> dg.RunRequest | dg.SkipReason:
        night, share = context.scheduled_execution_time.date().isoformat(), locations.share
        if not any(find_roots(share, dataset.folder) for dataset in DATASETS):
            return dg.SkipReason(f"No data set lies on the share {share.place}.")
        return dg.RunRequest(run_key=night, tags={"ocr_pipeline/why": f"the night of {night}"})

    return nightly_data


def purge_schedule(settings: AutomationSettings) -> dg.ScheduleDefinition:
    """Before the night, where it is said how long runs are kept."""
    is_on = settings.keep_runs_days is not None
    return dg.ScheduleDefinition(
        name="nightly_purge",
        job_name=PURGE_JOB,
        cron_schedule="0 2 * * *",
        execution_timezone=settings.zone,
        default_status=dg.DefaultScheduleStatus.RUNNING if is_on else dg.DefaultScheduleStatus.STOPPED,
        description="Old runs go from Dagster's log (OCR_PIPELINE_KEEP_RUNS_DAYS=90).",
    )
