"""What steps ask for, by their tags and by the pages of their partition."""

from __future__ import annotations

import dagster as dg
import pytest

from ocr_pipeline.orchestration.execution.demands import CROPS, LAYOUT, SMALL, demand_of, demand_tags, known_pages
from ocr_pipeline.storage.artifacts.manifest import Manifest, manifest_path
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.vouching import write_manifest
from ocr_pipeline.storage.artifacts.workspace import OUTPUT_VARIABLE, Workspace


@dg.job
def nothing() -> None:
    """A run of it is only pretended."""


def test_memory_grows_with_the_pages_of_the_partition() -> None:
    assert demand_of(SMALL, None).memory_gb == 1
    assert demand_of(SMALL, None, 5_000_000).memory_gb == 6
    assert demand_of(demand_tags(memory_gb=4), None, 5_000_000).memory_gb == 4


def test_a_small_partition_takes_a_core_for_each_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_PIPELINE_DATA_CPUS", "8")
    for tags in (CROPS, LAYOUT):
        assert [demand_of(tags, None, pages).cpus for pages in (0, 1, 250, 600, 1_000_000)] == [8, 1, 1, 3, 8]
    assert demand_of(SMALL, None, 1_000_000).cpus == 1


def test_the_pages_of_a_run_are_those_of_its_merged_labels(workspace: Workspace, instance: dg.DagsterInstance) -> None:
    environment = {OUTPUT_VARIABLE: str(workspace.root)}
    run = instance.create_run_for_job(nothing, tags={"dagster/partition": "handwriting_train"})
    assert known_pages(run, environment) == 0
    merged = workspace.merged_json("handwriting_train")
    merged.parent.mkdir(parents=True)
    merged.touch()
    counts = Counts(489_681, 489_681, 1, 1)
    manifest = Manifest(
        stage="", partition="", code_version="1", settings={}, inputs=[], fingerprint="1", counts=counts
    )
    write_manifest(merged, manifest)
    assert known_pages(run, environment) == 489_681
    ends = {
        "dagster/asset_partition_range_start": "text_in_wild",
        "dagster/asset_partition_range_end": "synthetic_valid",
    }
    assert known_pages(instance.create_run_for_job(nothing, tags=ends), environment) == 489_681
    manifest_path(merged).write_text("{")
    assert known_pages(run, environment) == 0
    assert known_pages(instance.create_run_for_job(nothing), environment) == 0
