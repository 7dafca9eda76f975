"""The graph from labels to predictions, its steps on a real Ray cluster, its history in a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import pytest
import yaml

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.data.lookup import load_lookup
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.orchestration.upkeep import reaper
from ocr_pipeline.orchestration.upkeep.reaper import end_orphaned_runs
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.orchestration.conftest import until
from ocr_pipeline_tests.orchestration.fleet.conftest import REPOSITORY
from ocr_pipeline_tests.orchestration.fleet.servers import Postgres, ray_head

pytestmark = pytest.mark.fleet

RECIPE = {
    "fast_checkpoint": {
        "config": "narrow_demo.yaml",
        "options": {"max_steps": 2, "img_size": 128, "num_workers": 0, "val_num_workers": 0},
    },
    "dlora_checkpoint": {
        "model_name_or_path": str(TINY_KOREAN),
        "gpus": 2,
        "options": {"max_steps": 2, "eval_samples": 4, "per_device_train_batch_size": 4},
    },
}
DATA = ("merged_json", "lookup", "annotations", "data_quality", "layout_lmdb")
TRAINING = ("fast_checkpoint", "dlora_checkpoint", "fast_champion", "dlora_champion")
INFERENCE = ("detections", "predictions")


def start(assets: Sequence[str], partition: str | None = None) -> subprocess.Popen[bytes]:
    chosen = ["--select", ",".join(assets), *(["--partition", partition] if partition else [])]
    command = [sys.executable, "-m", "dagster", "asset", "materialize", "-m", "ocr_pipeline.definitions", *chosen]
    with (Path(os.environ["DAGSTER_HOME"]) / "runs.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


@pytest.fixture
def secrets(database: Postgres, tmp_path: Path) -> dict[str, str]:
    """What each machine of the fleet has in its environment, since it does not go along with a step."""
    return {**database.environment, "DAGSTER_COMPUTE_LOGS": str(tmp_path / "logs")}


@pytest.fixture
def cluster(secrets: dict[str, str]) -> Iterator[str]:
    with ray_head(cpus=2, gpus=2, environment={**os.environ, **secrets}) as head:
        yield head.jobs


@pytest.fixture
def workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secrets: dict[str, str], cluster: str, small_share: Path
) -> Workspace:
    home, workspace, recipe = tmp_path / "home", Workspace(tmp_path / "output"), tmp_path / "recipe.yaml"
    home.mkdir()
    shutil.copy(REPOSITORY / "docker" / "dagster.yaml", home)
    recipe.write_text(yaml.safe_dump(RECIPE))
    for name, value in {
        **secrets,
        "DAGSTER_HOME": home,
        "OCR_PIPELINE_EXECUTOR": "ray",
        "RAY_API_SERVER_ADDRESS": cluster,
        "OCR_PIPELINE_SOURCE": small_share,
        "OCR_PIPELINE_OUTPUT": workspace.root,
        "OCR_PIPELINE_RECIPE": recipe,
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("OCR_PIPELINE_GPUS", raising=False)
    return workspace


def test_the_graph_over_ray_and_postgres(workspace: Workspace) -> None:
    assert reaper.main() == 0
    with dg.DagsterInstance.get() as instance:
        killed = start(DATA, "public_admin_train")
        until(lambda: workspace.merged_json("public_admin_train").exists())
        killed.kill()
        killed.wait()
        assert len(end_orphaned_runs(instance)) == 1
        runs = [start(DATA, partition) for partition in ("public_admin_train", "public_admin_valid")]
        assert [run.wait(280) for run in runs] == [0, 0]
        assert start(TRAINING).wait(280) == 0
        _fill_inbox(workspace)
        assert start(INFERENCE).wait(200) == 0
        for checkpoint in (workspace.fast_champion, workspace.dlora_champion):
            assert read_manifest(checkpoint)
        assert (workspace.detections / "page.jpg.json").exists() and workspace.predictions.exists()
        known = {key.to_user_string() for key in instance.all_asset_keys()}
        assert known >= {*DATA, *TRAINING, *INFERENCE}
        assert not [run for run in instance.get_runs() if not run.is_finished]


def _fill_inbox(workspace: Workspace) -> None:
    pages, words = workspace.inbox / "pages", workspace.inbox / "words"
    pages.mkdir(parents=True)
    words.mkdir()
    lookup = load_lookup(workspace, PARTITIONS["public_admin_valid"])
    shutil.copy(next(iter(lookup.paths.values())), pages / "page.jpg")
    crops = CropReader(workspace.annotations("public_admin", "valid", "lmdb"))
    (words / "word.jpg").write_bytes(crops.read(0).image)
