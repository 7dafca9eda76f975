"""All definitions of the code location, built afresh for the UI, the demo and the tests."""

import dagster as dg

from ocr_pipeline.orchestration.assets import champion, data, inference, quality, training
from ocr_pipeline.orchestration.automation.conditions import training_follows
from ocr_pipeline.orchestration.automation.schedules import nightly_data
from ocr_pipeline.orchestration.automation.share_watch import share_watch
from ocr_pipeline.orchestration.checks.data import DATA_CHECKS, TRAINING_CHECKS
from ocr_pipeline.orchestration.checks.quality import QUALITY_CHECKS
from ocr_pipeline.orchestration.execution.choice import chosen_executor
from ocr_pipeline.orchestration.jobs import JOBS
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.upkeep.reaper import orphaned_runs

ASSETS = [
    data.merged_json,
    data.lookup,
    data.annotations,
    quality.data_quality,
    data.layout_lmdb,
    training.fast_checkpoint,
    training.dlora_checkpoint,
    champion.detector_champion,
    champion.recognizer_champion,
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
        asset_checks=[*DATA_CHECKS, QUALITY_CHECKS, *TRAINING_CHECKS, *champion.CHECKS],
        jobs=JOBS,
        executor=chosen_executor(),
        sensors=[share_watch, training_follows, orphaned_runs],
        schedules=[nightly_data],
        resources={"locations": locations or Locations()},
    )
