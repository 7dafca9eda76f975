"""The graph from labels to predictions, each training a few steps long: lineage, publishing, resuming, reading."""

from __future__ import annotations

import copy
import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.definitions.events import AssetKeyPartitionKey
from dagster._core.loader import LoadingContextForTest

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.data.lookup import load_lookup
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER
from ocr_pipeline.storage.artifacts.manifest import manifest_path, read_manifest
from ocr_pipeline.storage.artifacts.versions import VERSIONS
from ocr_pipeline.storage.artifacts.workspace import Workspace

NO_WORKERS = {"num_workers": 0, "val_num_workers": 0}
TRAINING = {
    "ops": {
        "fast_checkpoint": {
            "config": {"config": "narrow_demo.yaml", "options": {"max_steps": 2, "img_size": 128, **NO_WORKERS}}
        },
        "dlora_checkpoint": {
            "config": {
                "model_name_or_path": str(TINY_KOREAN),
                "options": {"max_steps": 2, "eval_samples": 4, "per_device_train_batch_size": 4},
            }
        },
    }
}
TRAINED_ON = ("public_admin_train", "public_admin_valid")


class Graph:
    """The code location over one share and one workspace."""

    def __init__(self, share: Path, root: Path, instance: dg.DagsterInstance) -> None:
        self.share, self.instance, self.workspace = share, instance, Workspace(root / "output")
        self.definitions = build_definitions(Locations(source=str(share), output=str(self.workspace.root)))

    def run(self, job: str, config: dict | None = None, partition: str | None = None) -> dg.ExecuteInProcessResult:
        result = self.definitions.resolve_job_def(job).execute_in_process(
            partition_key=partition, run_config=config, instance=self.instance
        )
        assert result.success
        return result

    def stale(self, asset: str, partition: str | None = None) -> list[str]:
        """Why Dagster calls an asset stale; nothing if it is fresh."""
        graph = self.definitions.resolve_asset_graph()
        resolver = CachingStaleStatusResolver(self.instance, graph, LoadingContextForTest(self.instance))
        causes = resolver.get_stale_causes(dg.AssetKey(asset), partition)
        assert (resolver.get_status(dg.AssetKey(asset), partition) is StaleStatus.FRESH) == (not causes)
        return [f"{cause.reason}: {_text(cause.dependency)}" for cause in causes]


def _text(key: AssetKeyPartitionKey) -> str:
    return f"{key.asset_key.to_user_string()}[{key.partition_key}]"


@pytest.fixture(scope="module")
def graph(small_share: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with dg.instance_for_test() as instance:
        share = shutil.copytree(small_share, tmp_path_factory.mktemp("copy") / "share")
        graph = Graph(share, tmp_path_factory.mktemp("graph"), instance)
        for partition in TRAINED_ON:
            graph.run("data", partition=partition)
        graph.run("training", TRAINING)
        yield graph


def test_checkpoints_say_what_they_learned_from(graph: Graph) -> None:
    for checkpoint, artifact in (
        (graph.workspace.fast_checkpoint, graph.workspace.layout_lmdb),
        (graph.workspace.dlora_checkpoint, lambda name, split: graph.workspace.annotations(name, split, "lmdb")),
    ):
        manifest = read_manifest(checkpoint)
        assert manifest
        data = {path.name: path for path in (artifact("public_admin", split) for split in ("train", "valid"))}
        assert {item.name: item.fingerprint for item in manifest.inputs} == {
            name: read_manifest(path).fingerprint for name, path in data.items()
        }


def test_the_scores_that_matter_stand_first(graph: Graph) -> None:
    for name, first in (("fast_checkpoint", "metric/hmean"), ("dlora_checkpoint", "metric/cer")):
        (made,) = graph.instance.fetch_materializations(dg.AssetKey(name), limit=1).records
        metadata = made.asset_materialization.metadata
        assert next(iter(metadata)) == first and "data:image/webp;base64," in metadata["curves_small"].value


def test_a_training_tells_its_curve_on_the_way(graph: Graph) -> None:
    for name, score, steps in (("fast_checkpoint", "hmean", [2]), ("dlora_checkpoint", "cer", [0, 2])):
        observed = graph.instance.fetch_observations(dg.AssetKey(name), limit=100).records
        made = graph.instance.fetch_materializations(dg.AssetKey(name), limit=100).records[-1]
        assert all(record.storage_id < made.storage_id for record in observed)
        points = [record.asset_observation.metadata for record in reversed(observed)]
        assert [point["training/step"].value for point in points if f"training/{score}" in point] == steps
        assert any("training/loss" in point for point in points)


def test_metrics_are_those_of_the_validation_data(graph: Graph) -> None:
    detector, recognizer = (
        read_manifest(path) for path in (graph.workspace.fast_checkpoint, graph.workspace.dlora_checkpoint)
    )
    assert 0 <= detector.metrics["hmean"] <= 1
    assert recognizer.metrics["count"] == 4 and recognizer.metrics["base_cer"] >= 0


def test_a_checkpoint_scored_again_on_its_own_data_reaches_what_its_training_said(graph: Graph) -> None:
    for contest, artifact in (
        (DETECTOR, graph.workspace.layout_lmdb("public_admin", "valid")),
        (RECOGNIZER, graph.workspace.annotations("public_admin", "valid", "lmdb")),
    ):
        checkpoint = contest.champion(graph.workspace)
        recorded = read_manifest(checkpoint)
        again = contest.score(checkpoint, [artifact], recorded.settings)
        assert again[contest.metric] == pytest.approx(recorded.metrics[contest.metric], abs=1e-6)


def test_the_same_data_and_settings_are_not_trained_twice(graph: Graph) -> None:
    before = [
        manifest_path(path).stat().st_mtime_ns
        for path in (graph.workspace.fast_checkpoint, graph.workspace.dlora_checkpoint)
    ]
    graph.run("training", TRAINING)
    after = [
        manifest_path(path).stat().st_mtime_ns
        for path in (graph.workspace.fast_checkpoint, graph.workspace.dlora_checkpoint)
    ]
    assert before == after


def test_the_inbox_is_detected_and_read(graph: Graph) -> None:
    pages, words = graph.workspace.inbox / "pages", graph.workspace.inbox / "words"
    pages.mkdir(parents=True)
    words.mkdir()
    lookup = load_lookup(graph.workspace, PARTITIONS["public_admin_valid"])
    shutil.copy(next(iter(lookup.paths.values())), pages / "page.jpg")
    (pages / "broken.jpg").write_bytes(b"\xff\xd8\xffno picture")
    crops = CropReader(graph.workspace.annotations("public_admin", "valid", "lmdb"))
    (words / "word.jpg").write_bytes(crops.read(0).image)
    result = graph.run("inference")
    (event,) = result.asset_materializations_for_node("detections")
    assert (event.metadata["pages_in"].value, event.metadata["pages_quarantined"].value) == (2, 1)
    drawn = json.loads((graph.workspace.detections / "page.jpg.json").read_text(encoding="utf-8"))
    assert drawn["image"] == "page.jpg" and (graph.workspace.detections / "page.jpg.png").exists()
    with graph.workspace.predictions.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["filename"].endswith("word.jpg") and 0 <= float(row["confidence"]) <= 1 and not row["error"]


@pytest.mark.slow
def test_a_checkpoint_is_stale_when_a_partition_of_its_recipe_changed_and_says_which(graph: Graph) -> None:
    checkpoints = "fast_checkpoint", "dlora_checkpoint"
    graph.run("data", partition="public_admin_train")  # again, and nothing has changed
    assert [graph.stale(name) for name in checkpoints] == [[], []]
    assert graph.stale("layout_lmdb", "public_admin_train") == []
    graph.run("data", partition="handwriting_train")  # the detector leaves that set out, the recognizer does not
    new = "has a new dependency data version"
    assert graph.stale("fast_checkpoint") == []
    assert graph.stale("dlora_checkpoint") == [
        f"{new}: {name}[handwriting_train]" for name in ("annotations", "data_quality")
    ]
    label = next(path for path in graph.share.rglob("*.json") if "[라벨]train" in str(path))
    words = json.loads(label.read_text(encoding="utf-8"))
    words["annotations"][0]["annotation.text"] = "새말"
    label.write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
    graph.run("data", partition="public_admin_train")
    assert graph.stale("fast_checkpoint") == [f"{new}: layout_lmdb[public_admin_train]"]
    graph.run("training", TRAINING)
    assert [graph.stale(name) for name in checkpoints] == [[], []]


def test_a_training_reads_the_version_of_its_data_that_it_keeps(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def stop(_: object, __: object, train: tuple[Path, ...], valid: tuple[Path, ...], ___: object) -> None:
        read.extend((*train, *valid))
        raise PipelineError("seen enough", where="a training", remedy="none")

    monkeypatch.setattr("ocr_pipeline.orchestration.assets.training.train_on_leased_devices", stop)
    config = copy.deepcopy(TRAINING)
    for training in config["ops"].values():
        training["config"]["options"]["max_steps"] = 3
    job = graph.definitions.resolve_job_def("training")
    assert not job.execute_in_process(run_config=config, instance=graph.instance, raise_on_error=False).success
    names = {path.name for path in read}
    assert {"public_admin_train_layout.lmdb", "public_admin_annotations_train.lmdb"} <= names
    assert all(path.parent.parent.parent.name == VERSIONS for path in read)
