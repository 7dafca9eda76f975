"""All definitions of the code location, built afresh for the UI, the demo and the tests."""

import dagster as dg

from ocr_pipeline.orchestration.assets import data
from ocr_pipeline.orchestration.checks import DATA_CHECKS
from ocr_pipeline.orchestration.jobs import JOBS
from ocr_pipeline.orchestration.resources import Locations


def build_definitions(locations: Locations | None = None) -> dg.Definitions:
    """The code location.

    Args:
        locations: where labels come from and artifacts go; by default what the environment says.
    """
    assets = dg.with_source_code_references([data.merged_json, data.lookup, data.annotations, data.layout_lmdb])
    return dg.Definitions(
        assets=assets, asset_checks=DATA_CHECKS, jobs=JOBS, resources={"locations": locations or Locations()}
    )
