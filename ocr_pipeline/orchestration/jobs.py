"""What is usually run together."""

import dagster as dg

from ocr_pipeline.storage.artifacts.stages import stages_of

DATA_JOB = "data"

JOBS = [
    dg.define_asset_job(
        DATA_JOB,
        dg.AssetSelection.assets(*stages_of("data")),
        description="Labels to training data and what it is like, for one data set and split.",
    ),
    dg.define_asset_job(
        "training",
        dg.AssetSelection.assets(*stages_of("training")),
        description="Both trainings, on all data that is published (or what the recipe names); the better one is used.",
    ),
    dg.define_asset_job(
        "inference",
        dg.AssetSelection.assets(*stages_of("inference")),
        description="The pages and words of the inbox, through the published checkpoints.",
    ),
]
