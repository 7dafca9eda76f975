"""What is usually run together."""

import dagster as dg

from ocr_pipeline.storage.artifacts.stages import stages_of

data_job = dg.define_asset_job(
    "data",
    dg.AssetSelection.assets(*stages_of("data")),
    description="Labels to training data and what it is like, for one data set and split.",
)
training_job = dg.define_asset_job(
    "training",
    dg.AssetSelection.assets(*stages_of("training")),
    description="Both trainings, on all data that is published (or what the recipe names); the better one is used.",
)
inference_job = dg.define_asset_job(
    "inference",
    dg.AssetSelection.assets(*stages_of("inference")),
    description="The pages and words of the inbox, through the published checkpoints.",
)

JOBS = [data_job, training_job, inference_job]
