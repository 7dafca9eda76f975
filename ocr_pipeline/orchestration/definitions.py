"""All definitions of the code location, built afresh for the UI, the demo and the tests."""

import dagster as dg

from ocr_pipeline.orchestration import assets, checks
from ocr_pipeline.orchestration.automation.conditions import training_follows
from ocr_pipeline.orchestration.automation.schedules import nightly_data
from ocr_pipeline.orchestration.automation.share_watch import share_watch
from ocr_pipeline.orchestration.execution.choice import chosen_executor
from ocr_pipeline.orchestration.jobs import JOBS
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.upkeep.reaper import orphaned_runs

ASSETS = dg.load_assets_from_package_module(assets)
CHECKS = [check for package in (checks, assets) for check in dg.load_asset_checks_from_package_module(package)]


def build_definitions(locations: Locations | None = None) -> dg.Definitions:
    """The code location.

    Args:
        locations: where labels come from and artifacts go; by default what the environment says.
    """
    return dg.Definitions(
        assets=dg.with_source_code_references(ASSETS),
        asset_checks=CHECKS,
        jobs=JOBS,
        executor=chosen_executor(),
        sensors=[share_watch, training_follows, orphaned_runs],
        schedules=[nightly_data],
        resources={"locations": locations or Locations()},
    )
