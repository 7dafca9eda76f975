"""What is usually run together."""

import dagster as dg

from ocr_pipeline.storage.artifacts.stages import Job, stages_of

DATA_JOB = "data"

_DESCRIPTIONS: dict[Job, str] = {
    "data": "Labels to training data and what it is like, for one data set and split.",
    "training": "Both trainings, on all data that is published (or what the recipe names); the better one is used.",
    "inference": "The pages and words of the inbox, through the published checkpoints.",
}

JOBS = [
    dg.define_asset_job(job, dg.AssetSelection.assets(*stages_of(job)), description=description)
    for job, description in _DESCRIPTIONS.items()
]
