"""All definitions of the code location, built afresh for the UI, the demo and the tests."""

import dagster as dg

from ocr_pipeline.orchestration import assets, checks
from ocr_pipeline.orchestration.assets.training import training_assets
from ocr_pipeline.orchestration.automation.conditions import training_sensor
from ocr_pipeline.orchestration.automation.schedules import nightly_schedule
from ocr_pipeline.orchestration.automation.settings import AutomationSettings
from ocr_pipeline.orchestration.automation.share_watch import watch_sensor
from ocr_pipeline.orchestration.execution.choice import chosen_executor
from ocr_pipeline.orchestration.jobs import JOBS
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.upkeep.reaper import orphaned_runs
from ocr_pipeline.release.recipe_file import recipe_settings

ASSETS = dg.load_assets_from_package_module(assets)
"""Those that are the same whatever the recipe says."""
CHECKS = [check for package in (checks, assets) for check in dg.load_asset_checks_from_package_module(package)]


def build_definitions(locations: Locations | None = None) -> dg.Definitions:
    """The code location.

    Args:
        locations: where labels come from and artifacts go, with the recipe; by default what the environment says.

    Raises:
        PipelineError: recipe or variables hold what cannot be.
    """
    locations = locations or Locations()
    settings = recipe_settings(AutomationSettings, "automation", locations.workspace)
    return dg.Definitions(
        assets=dg.with_source_code_references([*ASSETS, *training_assets(locations, settings)]),
        asset_checks=CHECKS,
        jobs=JOBS,
        executor=chosen_executor(),
        sensors=[watch_sensor(settings), training_sensor(settings), orphaned_runs],
        schedules=[nightly_schedule(settings)],
        resources={"locations": locations},
    )
