"""All definitions of the code location, built afresh for the UI, the demo and the tests."""

import dagster as dg

from ocr_pipeline.orchestration.assets import data, inference, training
from ocr_pipeline.orchestration.checks import DATA_CHECKS, TRAINING_CHECKS
from ocr_pipeline.orchestration.checks_layout import LAYOUT_CHECKS
from ocr_pipeline.orchestration.jobs import JOBS
from ocr_pipeline.orchestration.resources import Locations

ASSETS = [
    data.merged_json,
    data.lookup,
    data.annotations,
    data.layout_lmdb,
    training.fast_checkpoint,
    training.dlora_checkpoint,
    inference.detections,
    inference.predictions,
]


def build_definitions(locations: Locations | None = None) -> dg.Definitions:
    """The code location.

    Args:
        locations: where labels come from and artifacts go; by default what the environment says.
    """
    return dg.Definitions(
        assets=dg.with_source_code_references(ASSETS),
        asset_checks=[*DATA_CHECKS, *LAYOUT_CHECKS, *TRAINING_CHECKS],
        jobs=JOBS,
        resources={"locations": locations or Locations()},
    )
