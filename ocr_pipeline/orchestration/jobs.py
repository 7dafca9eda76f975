"""What is usually run together."""

import dagster as dg

from ocr_pipeline.orchestration.assets.data import annotations, layout_lmdb, lookup, merged_json
from ocr_pipeline.orchestration.partitions import SOURCE_PARTITIONS

data_job = dg.define_asset_job(
    "data",
    dg.AssetSelection.assets(merged_json, lookup, annotations, layout_lmdb),
    partitions_def=SOURCE_PARTITIONS,
    description="Labels to training data, for one data set and split.",
)

JOBS = [data_job]
