"""All definitions of the code location, built afresh for the UI, the demo and the tests."""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from ocr_pipeline.data.datasets import EVERY_PARTITION
from ocr_pipeline.orchestration import assets, checks
from ocr_pipeline.orchestration.assets.training import training_assets
from ocr_pipeline.orchestration.automation.conditions import training_sensor
from ocr_pipeline.orchestration.automation.inbox_watch import inbox_sensor
from ocr_pipeline.orchestration.automation.night import night_job
from ocr_pipeline.orchestration.automation.schedules import nightly_schedule, purge_schedule
from ocr_pipeline.orchestration.automation.settings import AutomationSettings
from ocr_pipeline.orchestration.automation.share_watch import watch_sensor
from ocr_pipeline.orchestration.execution.choice import chosen_executor, is_on_a_cluster
from ocr_pipeline.orchestration.jobs import jobs
from ocr_pipeline.orchestration.pinning import recipe_tags
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.upkeep.purging import purge_job
from ocr_pipeline.orchestration.upkeep.reaper import orphaned_runs
from ocr_pipeline.orchestration.upkeep.registering import published_elsewhere
from ocr_pipeline.release.recipe_file import recipe_settings
from ocr_pipeline.release.sections import loaded_sections
from ocr_pipeline.storage.artifacts.stages import STAGES

CHECKS = [check for package in (checks, assets) for check in dg.load_asset_checks_from_package_module(package)]


def build_definitions(locations: Locations | None = None) -> dg.Definitions:
    """The code location.

    Args:
        locations: where labels come from and artifacts go, with the recipe; by default what the environment says.

    Raises:
        PipelineError: variables, or the recipe but for its trainings, hold what cannot be.
    """
    locations = locations or Locations()
    settings = recipe_settings(AutomationSettings, "automation", locations.workspace)
    sections = loaded_sections(locations.workspace)
    recipes, made = recipe_tags(sections), [*_stages(settings), *training_assets(locations, settings, sections)]
    return dg.Definitions(
        assets=dg.with_source_code_references(_keyed(made, locations)),
        asset_checks=_keyed(CHECKS, locations),
        jobs=[*jobs(recipes, locations.key), night_job(build_definitions), purge_job],
        executor=chosen_executor(),
        sensors=[
            watch_sensor(settings),
            inbox_sensor(settings),
            training_sensor(locations, settings, recipes),
            orphaned_runs,
            published_elsewhere,
        ],
        schedules=[nightly_schedule(settings), purge_schedule(settings)],
        resources={"locations": locations},
    )


def _stages(settings: AutomationSettings) -> list[Any]:
    """The assets that are the same whatever the recipe says of trainings; a backfill runs the partitioned together."""
    at_once = settings.partitions_a_run or (1 if is_on_a_cluster() else len(EVERY_PARTITION))
    policy = dg.BackfillPolicy.multi_run(at_once)
    return [*dg.load_assets_from_package_module(assets, backfill_policy=policy)]


def _keyed(definitions: Iterable[Any], locations: Locations) -> list[Any]:
    """Assets or their checks with the keys, and with inputs of the keys, that these locations give."""
    keys = {dg.AssetKey(name): locations.key(name) for name in STAGES}
    return [each.with_attributes(asset_key_replacements=keys) for each in definitions]
