"""What is usually run together."""

import dagster as dg

from ocr_pipeline.orchestration.assets.champion import detector_champion, recognizer_champion
from ocr_pipeline.orchestration.assets.data import annotations, layout_lmdb, lookup, merged_json
from ocr_pipeline.orchestration.assets.inference import detections, predictions
from ocr_pipeline.orchestration.assets.quality import data_quality
from ocr_pipeline.orchestration.assets.training import dlora_checkpoint, fast_checkpoint

data_job = dg.define_asset_job(
    "data",
    dg.AssetSelection.assets(merged_json, lookup, annotations, data_quality, layout_lmdb),
    description="Labels to training data and what it is like, for one data set and split.",
)
training_job = dg.define_asset_job(
    "training",
    dg.AssetSelection.assets(fast_checkpoint, dlora_checkpoint, detector_champion, recognizer_champion),
    description="Both trainings, on all data that is published (or what the recipe names); the better one is used.",
)
inference_job = dg.define_asset_job(
    "inference",
    dg.AssetSelection.assets(detections, predictions),
    description="The pages and words of the inbox, through the published checkpoints.",
)

JOBS = [data_job, training_job, inference_job]
