"""The data job as Dagster runs it: partitions, metadata, checks, reruns."""

from __future__ import annotations

import dagster as dg
import pytest

from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.storage.artifacts.manifest import manifest_path, read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
DATA_ASSETS = ("merged_json", "lookup", "annotations", "layout_lmdb")


def run_data(definitions: dg.Definitions, instance: dg.DagsterInstance, partition: str) -> dg.ExecuteInProcessResult:
    return definitions.resolve_job_def("data").execute_in_process(
        partition_key=partition, instance=instance, raise_on_error=False
    )


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict:
    (event,) = result.asset_materializations_for_node(asset)
    return {name: value.value for name, value in event.metadata.items()}


def failed_checks(result: dg.ExecuteInProcessResult, severity: dg.AssetCheckSeverity) -> set[tuple[str, str]]:
    return {
        (evaluation.check_name, evaluation.asset_key.to_user_string())
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed and evaluation.severity == severity
    }


@pytest.mark.parametrize("partition", ["handwriting_train", "text_in_wild"])
def test_a_partition_runs_and_its_numbers_add_up(
    definitions: dg.Definitions, instance: dg.DagsterInstance, partition: str
) -> None:
    result = run_data(definitions, instance, partition)
    assert result.success
    for asset in DATA_ASSETS:
        shown = metadata(result, asset)
        assert shown["state"] == "complete"
        assert shown["pages_in"] == shown["pages_out"] + shown["pages_quarantined"] > 0
        assert shown["words_in"] == shown["words_out"] + shown["words_quarantined"] > 0
    evaluations = result.get_asset_check_evaluations()
    assert {evaluation.check_name for evaluation in evaluations} == {
        "counts_add_up",
        "quarantine_below_limit",
        "crops_readable",
        "pages_readable",
        "no_leaks",
        "no_duplicate_pictures",
        "no_private_use",
        "no_split_jamo",
        "no_unprintable",
        "words_on_their_page",
        "counts_as_known",
        "words_kept",
        "quads_inside",
        "pages_have_regions",
    }
    assert failed_checks(result, ERROR) == set()
    of_few_pages_many_are_faulty = {"quarantine_below_limit", "words_kept"}
    assert {name for name, _ in failed_checks(result, WARN)} <= of_few_pages_many_are_faulty


def test_pictures_and_reasons_are_shown(definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
    result = run_data(definitions, instance, "handwriting_train")
    assert "no model is named" in metadata(result, "layout_lmdb")["layout_model"]
    assert "data:image/jpeg;base64," in metadata(result, "layout_lmdb")["sample_page"]
    assert "data:image/jpeg;base64," in metadata(result, "annotations")["sample_crops"]
    assert "image_missing" in {row.data["reason"] for row in metadata(result, "lookup")["quarantine"].records}
    assert not metadata(result, "merged_json")["quarantine"].records  # an empty table, not a table left out
    again = run_data(definitions, instance, "handwriting_train")  # nothing has changed
    for asset in ("lookup", "annotations", "layout_lmdb", "data_quality"):
        assert "data:image" not in str(metadata(again, asset))
        assert metadata(again, asset)["pictures_of"] == metadata(result, asset)["pictures_of"]


def test_a_set_that_is_not_there_is_an_empty_partition(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    result = run_data(definitions, instance, "finance_logistics_valid")
    assert result.success
    assert metadata(result, "annotations")["words_in"] == 0
    assert "no pages" in metadata(result, "merged_json")["sample_words"]


@pytest.mark.slow
def test_a_rerun_gives_the_same_data_version_and_touches_nothing(
    definitions: dg.Definitions, instance: dg.DagsterInstance, workspace: Workspace
) -> None:
    def version_and_time() -> tuple[str, int]:
        run_data(definitions, instance, "public_admin_train")
        record = instance.get_latest_materialization_event(dg.AssetKey("annotations"))
        assert record and record.asset_materialization and record.asset_materialization.tags
        artifact = workspace.annotations("public_admin", "train", "lmdb")
        return record.asset_materialization.tags["dagster/data_version"], manifest_path(artifact).stat().st_mtime_ns

    assert version_and_time() == version_and_time()


def test_a_run_with_rebuild_makes_anew_what_is_current(
    definitions: dg.Definitions, instance: dg.DagsterInstance, workspace: Workspace
) -> None:
    key, job = "handwriting_train", definitions.resolve_job_def("data")
    artifacts = (
        workspace.merged_json(key),
        workspace.lookup(key),
        workspace.annotations("handwriting", "train", "lmdb"),
    )
    assert run_data(definitions, instance, key).success
    made = [manifest_path(artifact).stat().st_mtime_ns for artifact in artifacts]
    ops = {asset: {"config": {"rebuild": True}} for asset in DATA_ASSETS}
    again = job.execute_in_process(partition_key=key, instance=instance, run_config={"ops": ops})
    assert again.success
    assert all(
        manifest_path(artifact).stat().st_mtime_ns > before for artifact, before in zip(artifacts, made, strict=True)
    )


def test_a_damaged_artifact_fails_its_check(
    definitions: dg.Definitions, instance: dg.DagsterInstance, workspace: Workspace
) -> None:
    assert run_data(definitions, instance, "public_admin_valid").success
    artifact = workspace.annotations("public_admin", "valid", "lmdb")
    manifest = read_manifest(artifact)
    assert manifest
    text = manifest_path(artifact).read_text()
    manifest_path(artifact).write_text(text.replace(f'"words_out": {manifest.counts.words_out}', '"words_out": 1'))
    result = run_data(definitions, instance, "public_admin_valid")
    assert failed_checks(result, ERROR) == {("counts_add_up", "annotations"), ("crops_readable", "annotations")}


def test_a_missing_share_fails_with_its_remedy(tmp_path, instance: dg.DagsterInstance) -> None:
    definitions = build_definitions(Locations(source=str(tmp_path / "nowhere"), output=str(tmp_path / "output")))
    result = run_data(definitions, instance, "handwriting_train")
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "OCR_PIPELINE_SOURCE" in str(failure.step_failure_data.user_failure_data.description)


def test_the_crops_settings_are_those_of_the_run(
    definitions: dg.Definitions, instance: dg.DagsterInstance, workspace: Workspace
) -> None:
    crops = {"codec": "png", "crop": "quad", "margin": "10%", "max_chars": 3}
    result = definitions.resolve_job_def("data").execute_in_process(
        partition_key="handwriting_train",
        instance=instance,
        run_config={"ops": {"annotations": {"config": crops}}},
    )
    shown = metadata(result, "annotations")
    assert shown["words_filtered"] > 0
    assert shown["words_in"] == shown["words_out"] + shown["words_quarantined"] + shown["words_filtered"]
    manifest = read_manifest(workspace.annotations("handwriting", "train", "lmdb"))
    assert manifest and manifest.settings.items() >= crops.items()


@pytest.mark.slow
def test_settings_that_cannot_be_fail_with_the_remedy(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    result = definitions.resolve_job_def("data").execute_in_process(
        partition_key="handwriting_train",
        instance=instance,
        run_config={"ops": {"annotations": {"config": {"quality": 101}}}},
        raise_on_error=False,
    )
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure and event.step_key == "annotations"]
    assert "a whole number from 1 to 100" in str(failure.step_failure_data)


def test_a_word_that_is_no_choice_is_refused_before_the_run(definitions: dg.Definitions) -> None:
    config = {"ops": {"annotations": {"config": {"codec": "gif"}}}}
    with pytest.raises(dg.DagsterInvalidConfigError, match=r"jpeg \| jpeg-lossless \| png \| webp"):
        definitions.resolve_job_def("data").execute_in_process(partition_key="handwriting_train", run_config=config)
