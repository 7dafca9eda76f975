"""Several partitions in one run: each with its own version, metadata, checks and failure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.partitions import partitions_of
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.versions import latest_told, told_version
from ocr_pipeline.storage.artifacts.manifest import manifest_path, read_manifest
from ocr_pipeline.storage.artifacts.stages import stages_of
from ocr_pipeline.storage.artifacts.workspace import Workspace

TRAIN, VALID = "public_admin_train", "public_admin_valid"
RANGE = {"dagster/asset_partition_range_start": TRAIN, "dagster/asset_partition_range_end": VALID}
ALONE = {"dagster/partition": TRAIN}
KEYS = partitions_of(RANGE)
PAGES = ("merged_json", "lookup")


def run(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    assets: Sequence[str] = PAGES,
    tags: dict[str, str] = RANGE,
) -> dg.ExecuteInProcessResult:
    return definitions.resolve_job_def("data").execute_in_process(
        asset_selection=[*map(dg.AssetKey, assets)], tags=tags, instance=instance, raise_on_error=False
    )


def told(instance: dg.DagsterInstance, asset: str, partition: str) -> dg.AssetMaterialization:
    event = latest_told(instance, dg.AssetKey(asset), partition)
    assert event
    return event


def test_each_partition_is_told_as_if_it_had_run_alone(
    definitions: dg.Definitions, instance: dg.DagsterInstance, workspace: Workspace
) -> None:
    result = run(definitions, instance)
    for asset in PAGES:
        events = result.asset_materializations_for_node(asset)
        assert [event.partition for event in events] == KEYS
        assert len({told_version(event) for event in events}) == len(KEYS)
    manifest = read_manifest(workspace.merged_json(VALID))
    assert manifest and told_version(told(instance, "merged_json", VALID)) == manifest.fingerprint
    assert told(instance, "merged_json", VALID).metadata["pages_in"].value == manifest.counts.pages_in
    together = [told(instance, asset, TRAIN) for asset in PAGES]
    assert run(definitions, instance, tags=ALONE).success
    for one, asset in zip(together, PAGES, strict=True):
        alone = told(instance, asset, TRAIN)
        assert tags_but_pointers(one) == tags_but_pointers(alone)
        assert one.metadata.keys() >= alone.metadata.keys()


def tags_but_pointers(event: dg.AssetMaterialization) -> dict[str, str]:
    return {name: value for name, value in (event.tags or {}).items() if "event_pointer" not in name}


@pytest.mark.slow
def test_a_partition_is_stale_when_its_own_input_is(definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
    def status(partition: str) -> StaleStatus:
        graph = definitions.resolve_asset_graph()
        resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
        return resolver.get_status(dg.AssetKey("lookup"), partition)

    assert run(definitions, instance).success
    assert {status(key) for key in KEYS} == {StaleStatus.FRESH}
    tags = {"dagster/data_version": "another", "dagster/data_version_is_user_provided": "true"}
    instance.report_runless_asset_event(dg.AssetMaterialization("merged_json", partition=VALID, tags=tags))
    assert [status(key) for key in KEYS] == [StaleStatus.FRESH, StaleStatus.FRESH, StaleStatus.STALE]


def test_each_partition_is_checked(definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
    evaluations = run(definitions, instance).get_asset_check_evaluations()
    found = [(one.asset_key.to_user_string(), one.check_name, one.partition) for one in evaluations]
    assert sorted(found) == sorted(
        (asset, check, key) for asset in PAGES for check in ("counts_add_up", "quarantine_below_limit") for key in KEYS
    )
    for one in evaluations:
        wanted = dg.AssetRecordsFilter(one.asset_key, asset_partitions=[one.partition or ""])
        last = instance.fetch_materializations(wanted, limit=1).records[0]
        assert one.target_materialization_data and one.target_materialization_data.storage_id == last.storage_id


def test_one_that_fails_is_named_and_the_others_are_made(
    definitions: dg.Definitions, instance: dg.DagsterInstance, workspace: Workspace
) -> None:
    assert run(definitions, instance, ["merged_json"], ALONE).success
    manifest_path(workspace.merged_json(TRAIN)).write_text("{")
    result = run(definitions, instance)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    said = failure.step_failure_data.user_failure_data
    assert failure.step_key == "merged_json" and said and said.description
    assert said.description.startswith("1 of 3 partitions failed, the others are made.\npublic_admin_train: ")
    assert TRAIN in said.metadata and VALID not in said.metadata
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    for key in KEYS[1:]:
        manifest = read_manifest(workspace.merged_json(key))
        assert manifest and told_version(told(instance, "merged_json", key)) == manifest.fingerprint


@pytest.mark.slow
def test_a_blocking_check_of_one_partition_stops_what_would_follow(
    definitions: dg.Definitions, instance: dg.DagsterInstance, workspace: Workspace
) -> None:
    assert run(definitions, instance, stages_of("data")).success
    artifact = workspace.annotations("public_admin", "valid", "lmdb")
    manifest = read_manifest(artifact)
    assert manifest
    text = manifest_path(artifact).read_text()
    manifest_path(artifact).write_text(text.replace(f'"words_out": {manifest.counts.words_out}', '"words_out": 1'))
    result = run(definitions, instance, stages_of("data"))
    failed = {(one.check_name, one.partition) for one in result.get_asset_check_evaluations() if not one.passed}
    assert not result.success and ("crops_readable", VALID) in failed and ("crops_readable", TRAIN) not in failed
    assert not result.asset_materializations_for_node("data_quality")


@pytest.mark.parametrize(
    ("variables", "at_once"),
    [({}, 12), ({"OCR_PIPELINE_PARTITIONS_A_RUN": "3"}, 3), ({"OCR_PIPELINE_EXECUTOR": "k8s"}, 1)],
)
def test_how_many_partitions_a_backfill_runs_at_once_is_said(
    variables: dict[str, str], at_once: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    graph = build_definitions(Locations(source="", output=str(tmp_path))).resolve_asset_graph()
    policies = {graph.get(dg.AssetKey(asset)).backfill_policy for asset in stages_of("data")}
    assert policies == {dg.BackfillPolicy.multi_run(at_once)}
