"""The graph with its artifacts in an object store: each asset on another machine, and the same files in the end."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.storage.artifacts.manifest import known_manifest, read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.orchestration.test_whole_graph import TRAINED_ON, TRAINING
from ocr_pipeline_tests.storage.source.s3_server import s3_bucket

DATA = ("merged_json", "lookup", "annotations", "layout_lmdb", "data_quality")


@pytest.fixture(scope="module")
def bucket():
    with s3_bucket("graph") as url:
        yield url


@pytest.mark.slow
def test_assets_made_on_machines_that_share_only_a_bucket(
    small_share: Path, bucket: str, tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_PIPELINE_MIRROR", str(tmp_path / "none"))
    definitions = build_definitions(Locations(source=str(small_share), output=f"{bucket}/data"))
    machines = cycle((tmp_path / "first", tmp_path / "second"))

    def run(job: str, asset: str, partition: str | None = None) -> None:
        monkeypatch.setenv("OCR_PIPELINE_MIRROR", str(next(machines)))
        config = {"ops": {asset: TRAINING["ops"][asset]}} if asset in TRAINING["ops"] else None
        result = definitions.resolve_job_def(job).execute_in_process(
            partition_key=partition, asset_selection=[dg.AssetKey(asset)], run_config=config, instance=instance
        )
        assert result.success

    for asset in DATA:
        for partition in TRAINED_ON:
            run("data", asset, partition)
    for asset in ("fast_checkpoint", "fast_champion"):
        run("training", asset)
    monkeypatch.setenv("OCR_PIPELINE_MIRROR", str(tmp_path / "third"))
    kept, alone = Workspace.at(f"{bucket}/data"), Workspace(tmp_path / "alone")
    local = build_definitions(Locations(source=str(small_share), output=str(alone.root)))
    for partition in TRAINED_ON:
        assert local.resolve_job_def("data").execute_in_process(partition_key=partition).success
        for here, there in zip(_artifacts(kept, partition), _artifacts(alone, partition), strict=True):
            assert read_manifest(here)
            assert _content(here) == _content(there)
    assert known_manifest(kept.fast_champion) == known_manifest(kept.fast_checkpoint)
    assert not kept.fast_champion.exists(), "what nobody reads here is not fetched"
    assert {item.name for item in read_manifest(kept.fast_champion).inputs} == {
        f"public_admin_{split}_layout.lmdb" for split in ("train", "valid")
    }


def _artifacts(workspace: Workspace, partition: str) -> list[Path]:
    dataset, split = partition.rsplit("_", 1)
    return [
        workspace.merged_json(partition),
        workspace.lookup(partition),
        workspace.annotations(dataset, split, "lmdb"),
        workspace.layout_lmdb(dataset, split),
    ]


def _content(artifact: Path) -> bytes:
    return (artifact / "data.mdb" if artifact.is_dir() else artifact).read_bytes()


def test_crops_as_files_are_refused(
    small_share: Path, bucket: str, tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_PIPELINE_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("FAST_OUTPUT_FORMAT", "jsonl")
    definitions = build_definitions(Locations(source=str(small_share), output=f"{bucket}/files"))
    selection = [dg.AssetKey(name) for name in ("merged_json", "lookup", "annotations")]
    result = definitions.resolve_job_def("data").execute_in_process(
        partition_key="public_admin_train",
        asset_selection=selection,
        run_config={"ops": {"annotations": {"config": {"output_format": "jsonl"}}}},
        instance=instance,
        raise_on_error=False,
    )
    (failure,) = (event for event in result.all_events if event.is_step_failure)
    assert "FAST_OUTPUT_FORMAT=lmdb" in str(failure.event_specific_data)
