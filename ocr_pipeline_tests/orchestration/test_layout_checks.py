"""What Dagster shows and checks of a layout LMDB on which a (hand-made) layout model ran."""

from __future__ import annotations

import dagster as dg
import pytest

from ocr_pipeline.data.layout_lmdb import LayoutRecord, LayoutWord, write_layout_samples
from ocr_pipeline.orchestration.assets import data
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.storage.artifacts.manifest import Manifest
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.vouching import write_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.data.layout_lmdb.making import Oracle, picture, rectangle
from ocr_pipeline_tests.orchestration.test_data_job import metadata, run_data

LAYOUT_CHECK_NAMES = ("words_kept", "quads_inside", "pages_have_regions")
PARTITION = "finance_logistics_valid"
WHOLE_PAGE, NOTHING_BELOW = ("text", 0.9, (0, 0, 256, 352)), ("table", 0.2, (0, 0, 256, 352))


def failing_checks(workspace: Workspace, instance: dg.DagsterInstance) -> set[str]:
    """The layout checks that fail on what the stage publishes."""
    definitions = build_definitions(Locations(source=str(workspace.root), output=str(workspace.root)))
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        partition_key=PARTITION, instance=instance, asset_selection=[dg.AssetKey("layout_lmdb")], raise_on_error=False
    )
    evaluations = {evaluation.check_name: evaluation.passed for evaluation in result.get_asset_check_evaluations()}
    return {name for name in LAYOUT_CHECK_NAMES if not evaluations[name]}


def publish(workspace: Workspace, counts: Counts, quad=None) -> Manifest:
    artifact = workspace.layout_lmdb("finance_logistics", "valid")
    words = (LayoutWord(quad or rectangle(10, 10, 40, 20), "가"),)
    record = LayoutRecord("finance_logistics", "valid", "가.jpg", "가.json", 120, 80, words)
    write_layout_samples(artifact, [(picture(), record)], {})
    manifest = Manifest(
        stage="layout_lmdb",
        partition=PARTITION,
        code_version="3",
        settings={},
        inputs=[],
        fingerprint="f",
        counts=counts,
    )
    write_manifest(artifact, manifest)
    return manifest


@pytest.mark.parametrize(
    ("counts", "quad", "failed"),
    [
        (Counts(100, 100, 100, 99, {"page": {}, "word": {"word_outside": 1}}), None, set()),
        (Counts(100, 100, 100, 90, {"page": {}, "word": {"word_outside": 10}}), None, {"words_kept"}),
        (Counts(100, 100, 100, 100), rectangle(100, 10, 130, 20), {"quads_inside"}),
        (Counts(100, 100, 100, 100, notes={"pages_without_region": 10}), None, set()),
        (Counts(100, 100, 100, 100, notes={"pages_without_region": 11}), None, {"pages_have_regions"}),
    ],
)
def test_each_check_fails_for_its_own_fault(workspace, instance, monkeypatch, counts, quad, failed):
    monkeypatch.setattr(data, "build_layouts", lambda *_, **__: [publish(workspace, counts, quad)])
    monkeypatch.setattr(data, "artifacts_metadata", lambda *_: {})
    workspace.root.mkdir()
    assert failing_checks(workspace, instance) == failed


def test_regions_are_counted_and_samples_drawn(definitions, instance, monkeypatch):
    monkeypatch.setattr(
        "ocr_pipeline.data.layout_lmdb.engines.opening.open_engine", lambda settings: Oracle(WHOLE_PAGE, NOTHING_BELOW)
    )
    result = run_data(definitions, instance, "public_admin_train")
    shown = metadata(result, "layout_lmdb")
    pages = shown["pages_out"]
    assert [(row.data["label"], row.data["regions"]) for row in shown["regions"].records] == [("text", pages)]
    assert shown["layout_model"] == "by hand (oracle, weights 1)"
    assert shown["pages_without_region"] == 0 and 0 <= shown["words_without_region_share"] < 1
    assert all("data:image/jpeg;base64," in shown[name] for name in ("sample_page", "sample_page_2"))


@pytest.mark.slow
def test_scenes_say_why_no_model_ran(definitions, instance, monkeypatch):
    monkeypatch.setenv("FAST_LAYOUT_MODEL", "PP-DocLayoutV2")
    shown = metadata(run_data(definitions, instance, "text_in_wild"), "layout_lmdb")
    assert shown["layout_model"].startswith("none: scene pictures") and "regions" not in shown
