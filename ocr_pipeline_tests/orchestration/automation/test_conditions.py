"""When a training starts by itself: as Dagster's own evaluation sees it, over published manifests."""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.orchestration.automation import conditions
from ocr_pipeline.orchestration.automation.conditions import (
    FOLLOW,
    changed_share,
    seconds_settled,
    shortfall,
    train_condition,
)
from ocr_pipeline.orchestration.automation.settings import AutomationSettings
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.storage.artifacts.manifest import Input, Manifest, manifest_path
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.vouching import write_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace

TRAINING = dg.AssetKey("fast_checkpoint")


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(list(PARTITIONS)))
def layout_lmdb() -> None:
    """Stands for the real one."""


SETTINGS = AutomationSettings(train_share=0.5, quiet_seconds=60)


class Floor:
    """Publishes data, tells Dagster its version, and asks whether a training would start."""

    def __init__(self, workspace: Workspace, instance: dg.DagsterInstance) -> None:
        self.workspace, self.instance = workspace, instance
        self.cursor = None
        self.settings = SETTINGS

    @property
    def training(self) -> dg.AssetsDefinition:
        """The real condition on a training that is never run."""
        condition = train_condition(Locations(output=str(self.workspace.root)), self.settings)

        @dg.asset(
            deps=[dg.AssetDep(layout_lmdb, partition_mapping=dg.AllPartitionMapping())], automation_condition=condition
        )
        def fast_checkpoint() -> None:
            pass

        return fast_checkpoint

    def publish(self, dataset: str, version: str, words: int, age: float = 1000) -> None:
        artifact = self.workspace.layout_lmdb(dataset, "train")
        write(artifact, version, words)
        then = time.time() - age
        os.utime(manifest_path(artifact), (then, then))
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization("layout_lmdb", partition=f"{dataset}_train", tags={"dagster/data_version": version})
        )

    def train(self) -> None:
        """A training on what is published, as its manifest tells it."""
        recipe = conditions.recipe_of(self.workspace, "fast_checkpoint")
        write(self.workspace.fast_checkpoint, "weights", 0, recipe.inputs)
        self.instance.report_runless_asset_event(dg.AssetMaterialization("fast_checkpoint"))

    def shortfall(self) -> str:
        return shortfall(self.workspace, "fast_checkpoint", self.settings, time.time())

    def would_train(self) -> bool:
        result = dg.evaluate_automation_conditions(
            [layout_lmdb, self.training], self.instance, cursor=self.cursor, asset_selection=dg.AssetSelection.all()
        )
        self.cursor = result.cursor
        return result.get_num_requested(TRAINING) > 0


def write(artifact: Path, version: str, words: int, inputs: list[Input] | None = None) -> None:
    artifact.parent.mkdir(parents=True, exist_ok=True)
    artifact.touch()
    counts = Counts(pages_in=1, pages_out=1, words_in=words, words_out=words)
    manifest = Manifest(
        stage="", partition="", code_version="1", settings={}, inputs=inputs or [], fingerprint=version, counts=counts
    )
    write_manifest(artifact, manifest)


@pytest.fixture
def floor(workspace: Workspace, instance: dg.DagsterInstance) -> Floor:
    return Floor(workspace, instance)


def test_the_first_data_starts_a_training_once(floor: Floor) -> None:
    assert not floor.would_train()
    floor.publish("public_admin", "v1", 100)
    assert floor.would_train()
    assert not floor.would_train()  # asked for once, whether it succeeds or not
    floor.train()
    assert not floor.would_train()


def test_the_same_data_again_starts_nothing_and_new_data_does(floor: Floor) -> None:
    floor.publish("public_admin", "v1", 100)
    floor.train()
    assert not floor.would_train()
    floor.publish("public_admin", "v1", 100)
    assert not floor.would_train()
    floor.publish("public_admin", "v2", 100)
    assert floor.would_train()


def test_small_changes_add_up_until_they_are_enough(floor: Floor) -> None:
    for dataset, words in (("public_admin", 60), ("ocr_public", 30), ("finance_logistics", 10)):
        floor.publish(dataset, "v1", words)
    floor.train()
    assert not floor.would_train()
    floor.publish("ocr_public", "v2", 40)
    assert changed_share(floor.workspace, "fast_checkpoint") == pytest.approx(0.4)
    assert floor.shortfall() == "wait: 40.0% of the words are new, 50% must be"
    assert not floor.would_train()
    floor.publish("public_admin", "v2", 60)
    assert floor.would_train()


def test_data_that_was_published_just_now_has_to_settle(floor: Floor) -> None:
    floor.publish("public_admin", "v1", 100, age=10)
    assert seconds_settled(floor.workspace, "fast_checkpoint", time.time()) == pytest.approx(10, abs=5)
    assert re.search("settled for 1. s, 60 must be", floor.shortfall()) and not floor.would_train()
    os.utime(manifest_path(floor.workspace.layout_lmdb("public_admin", "train")), (1e9, 1e9))
    assert floor.would_train()


def test_data_whose_quality_was_not_measured_waits(floor: Floor) -> None:
    write(floor.workspace.layout_lmdb("public_admin", "valid"), "v1", 10)
    write(floor.workspace.merged_json("public_admin_train"), "labels", 0)
    floor.publish("public_admin", "v1", 100)
    os.utime(manifest_path(floor.workspace.layout_lmdb("public_admin", "valid")), (1e9, 1e9))
    assert "quality has not been measured" in floor.shortfall() and not floor.would_train()
    floor.workspace.merged_json("public_admin_train").unlink()  # taken over from elsewhere: no labels, no leaks known
    assert not floor.shortfall() and floor.would_train()


def test_it_is_off_by_default(floor: Floor) -> None:
    floor.settings = replace(SETTINGS, train_share=0.0)
    floor.publish("public_admin", "v1", 100)
    assert not floor.would_train()
    sensor = build_definitions().get_repository_def().get_sensor_def("training_follows")
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED


def test_every_condition_belongs_to_that_sensor_alone() -> None:
    repository = build_definitions().get_repository_def()
    sensors = {"share_watch", "inbox_watch", "training_follows", "orphaned_runs", "published_elsewhere"}
    assert {sensor.name for sensor in repository.sensor_defs} == sensors
    graph = build_definitions().resolve_asset_graph()
    conditioned = {key.to_user_string() for key in graph.get_all_asset_keys() if graph.get(key).automation_condition}
    assert conditioned == {"fast_checkpoint", "dlora_checkpoint", "fast_champion", "dlora_champion"}


def test_a_damaged_manifest_is_said_and_not_taken_for_missing_data(floor: Floor) -> None:
    floor.publish("public_admin", "v1", 100)
    manifest_path(floor.workspace.layout_lmdb("public_admin", "train")).write_text("{")
    assert re.search("wait: the manifest cannot be read .*public_admin_train_layout", floor.shortfall())
    assert not floor.would_train()


class Podium:
    """A candidate, its blocking check and the champion that follows it, as Dagster's evaluation sees them."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance, self.cursor, self.passes = instance, None, True

        @dg.asset
        def candidate() -> dg.MaterializeResult:
            return dg.MaterializeResult(data_version=dg.DataVersion(self.version))

        @dg.asset_check(asset=candidate, blocking=True)
        def not_below_champion() -> dg.AssetCheckResult:
            return dg.AssetCheckResult(passed=self.passes)

        @dg.asset(deps=[candidate], automation_condition=FOLLOW)
        def champion() -> None:
            pass

        self.candidate, self.check, self.champion = candidate, not_below_champion, champion
        self.definitions = dg.Definitions([candidate, champion], asset_checks=[not_below_champion])

    def train(self, version: str, *, passes: bool = True, checks: bool = True) -> None:
        self.version, self.passes = version, passes
        dg.materialize(
            [self.candidate, *([self.check] if checks else [])], instance=self.instance, raise_on_error=False
        )

    def would_crown(self) -> bool:
        result = dg.evaluate_automation_conditions(self.definitions, self.instance, cursor=self.cursor)
        self.cursor = result.cursor
        return result.total_requested > 0


def test_a_champion_is_asked_for_once_per_candidate(instance: dg.DagsterInstance) -> None:
    podium = Podium(instance)
    assert not podium.would_crown()
    podium.train("1")
    assert podium.would_crown()
    assert not podium.would_crown()  # whatever came of it
    podium.train("1")
    assert not podium.would_crown()  # the same weights again
    podium.train("2")
    assert podium.would_crown()


@pytest.mark.slow
def test_a_candidate_that_was_refused_or_not_judged_yet_is_not_asked_for(instance: dg.DagsterInstance) -> None:
    podium = Podium(instance)
    podium.train("1")
    assert podium.would_crown()
    podium.train("2", passes=False)
    assert not podium.would_crown() and not podium.would_crown()
    podium.train("3")
    assert podium.would_crown()
    podium.train("4", checks=False)  # the last check spoke of another
    assert not podium.would_crown()
