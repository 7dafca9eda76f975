"""The ten makers of artifacts, each with what it needs to make version after version of the same thing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.data.adoption import adopt
from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.layout_lmdb import LayoutSettings, build_layouts
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.data.quality import measure_quality
from ocr_pipeline.fast.prediction import DetectedPage
from ocr_pipeline.fast.settings import FastPrediction
from ocr_pipeline.orchestration.assets import inference
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.parallel import Processes
from ocr_pipeline.recognition.prediction import Predictions
from ocr_pipeline.release.checkpoint import TrainedCheckpoint
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER, Contest
from ocr_pipeline.release.recipe import Recipe
from ocr_pipeline.storage.artifacts.manifest import Input, manifest_path
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.publishing import publish_text
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.adoption.making import write_lmdb, write_pickle
from ocr_pipeline_tests.trees import WILD_LABEL, hand_tree, picture, wild_image, wild_label, wild_word, write_tree

TRAIN, WILD = source_partition("handwriting_train"), source_partition("text_in_wild")


@dataclass(frozen=True)
class World:
    """A folder for all that comes from outside, and a workspace."""

    outside: Path
    workspace: Workspace

    @property
    def share(self) -> Share:
        self.outside.mkdir(parents=True, exist_ok=True)
        return Share(str(self.outside))


@dataclass(frozen=True)
class Maker:
    """One way to make artifacts.

    Attributes:
        artifacts: all that it makes.
        prepare: what comes before it for a version, 1 or higher; make: itself.
        in_depot: whether they can be kept in one.
    """

    artifacts: Callable[[Workspace], list[Path]]
    prepare: Callable[[World, int], object]
    make: Callable[[World], object]
    in_depot: bool = True


def labels(world: World, version: int) -> None:
    write_tree(world.outside, hand_tree(version))


def merge(world: World) -> None:
    merge_labels(world.share, TRAIN, world.workspace, workers=1)


def merged(world: World, version: int) -> None:
    labels(world, version)
    merge(world)


def look_up(world: World) -> None:
    build_lookup(world.share, TRAIN, world.workspace)


def looked_up(world: World, version: int) -> None:
    merged(world, version)
    look_up(world)


def crops_as(form: str) -> Callable[[World], object]:
    settings = AnnotationSettings(form)
    return lambda world: build_annotations(world.share, TRAIN, world.workspace, settings, crew=Processes(1))


def wild_labels(world: World, version: int) -> None:
    words = [wild_word("1", "가", [2, 4, 16, 10])] * version
    write_tree(world.outside, {WILD_LABEL: wild_label([wild_image("1", "A.jpg")], words)})


def merge_wild(world: World) -> None:
    merge_labels(world.share, WILD, world.workspace)


def left_by_others(world: World, version: int) -> None:
    """A merged JSON of another program where ours belongs, and no labels."""
    wild_labels(replace(world, outside=world.outside / "elsewhere" / "below"), version)
    (document,) = world.outside.rglob("*.json")
    target = world.workspace.merged_json(WILD.key)
    target.parent.mkdir(parents=True, exist_ok=True)
    manifest_path(target).unlink(missing_ok=True)
    document.replace(target)


def finished_work(world: World, version: int) -> None:
    """A folder to adopt; what was adopted before is not published any more."""
    for manifest in world.workspace.root.rglob("*.manifest.json"):
        manifest.unlink()
    shutil.rmtree(world.outside, ignore_errors=True)
    write_tree(world.outside, {"json_merged/textinthewild_data_info.json": wild_label([wild_image("1", "A")], [])})
    write_pickle(world.outside / "lookup_handwriting_train.pkl.gz", {f"{version}.png": "/x.png"})
    write_lmdb(world.outside / "handwriting_annotations_train.lmdb", [(picture(".jpg"), "가".encode())] * version)


def checkpoint(world: World, contest: Contest, version: int) -> Path:
    """Weights as a training leaves them: a file of the detector, a folder of the recognizer."""
    weights = world.outside / "weights" if contest is DETECTOR else world.outside / "run" / "adapter.safetensors"
    publish_text(weights, f"version {version}")
    publish_text(world.outside / "version", str(version))
    return weights if contest is DETECTOR else weights.parent


def train(contest: Contest) -> Callable[[World], object]:
    def make(world: World) -> None:
        version = int((world.outside / "version").read_text())
        recipe = Recipe((), (), (), [Input("a_train.lmdb", "1")], Counts())
        training = TrainedCheckpoint(
            contest.name, contest.candidate(world.workspace), "1", {"version": version}, recipe
        )
        with training.publication() as made:
            if made.current is None:
                training.publish(made, checkpoint(world, contest, version), {contest.metric: version / 10})

    return make


def trained(contest: Contest) -> Callable[[World, int], object]:
    def prepare(world: World, version: int) -> None:
        checkpoint(world, contest, version)
        train(contest)(world)

    return prepare


def crowned(workspace: Workspace, contest: Contest) -> list[Path]:
    champion = contest.champion(workspace)
    return [champion, champion.with_name(f"{champion.stem}.previous{champion.suffix}")]


def champion(world: World, version: int) -> None:
    for contest in (DETECTOR, RECOGNIZER):
        trained(contest)(world, version)
        contest.promote(world.workspace)


def detect(world: World) -> None:
    """The asset over a detector that needs no weights: what matters is when which file changes."""

    def predict(settings: FastPrediction) -> tuple[list[DetectedPage], dict]:
        for name in ("page.png", "page.png.json"):
            publish_text(settings.output / name, settings.checkpoint.read_text())
        return [DetectedPage("page.png", 1, 1, [])], {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ocr_pipeline.fast.predict", predict, raising=False)
        patch.setattr(inference, "decode_picture", lambda *_: None)
        patch.setattr(inference, "two_sizes", lambda *_: {})
        materialize(world, inference.detections)


def predict(world: World) -> None:
    def recognize_pictures(weights: Path, _paths: object, output: Path, **_options: object) -> Predictions:
        publish_text(output, f"filename,text,{(weights / 'adapter.safetensors').read_text()}\n")
        return Predictions(0, 0, output)

    write_tree(world.workspace.inbox / "words", {"a.png": picture()})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ocr_pipeline.recognition.load_recognizer", lambda weights, _: weights, raising=False)
        patch.setattr("ocr_pipeline.recognition.recognize_pictures", recognize_pictures, raising=False)
        materialize(world, inference.predictions)


def materialize(world: World, asset: dg.AssetsDefinition) -> None:
    locations = Locations(output=str(world.workspace.root))
    assert dg.materialize([asset], resources={"locations": locations}).success


MAKERS = {
    "merged_json": Maker(lambda ws: [ws.merged_json(TRAIN.key)], labels, merge),
    "merged_json of one label file": Maker(lambda ws: [ws.merged_json(WILD.key)], wild_labels, merge_wild),
    "merged_json left by others": Maker(lambda ws: [ws.merged_json(WILD.key)], left_by_others, merge_wild, False),
    "lookup": Maker(lambda ws: [ws.lookup(TRAIN.key)], merged, look_up),
    "annotations as LMDB": Maker(
        lambda ws: [ws.annotations("handwriting", "train", "lmdb")], looked_up, crops_as("lmdb")
    ),
    "annotations as JSONL": Maker(
        lambda ws: [ws.annotations("handwriting", "train", "jsonl")], looked_up, crops_as("jsonl"), False
    ),
    "layout_lmdb": Maker(
        lambda ws: [ws.layout_lmdb("handwriting", "train")],
        looked_up,
        lambda world: build_layouts(world.share, TRAIN, world.workspace, LayoutSettings()),
    ),
    "data_quality": Maker(
        lambda ws: [ws.quality(TRAIN.key), ws.page_index(TRAIN.key)],
        looked_up,
        lambda world: measure_quality(world.share, TRAIN, world.workspace),
    ),
    "adoption": Maker(
        lambda ws: [
            ws.merged_json(WILD.key),
            ws.lookup(TRAIN.key),
            ws.annotations("handwriting", "train", "lmdb"),
        ],
        finished_work,
        lambda world: adopt(world.outside, world.workspace),
        False,
    ),
    "fast_checkpoint": Maker(
        lambda ws: [ws.fast_checkpoint], lambda world, n: checkpoint(world, DETECTOR, n), train(DETECTOR)
    ),
    "dlora_checkpoint": Maker(
        lambda ws: [ws.dlora_checkpoint], lambda world, n: checkpoint(world, RECOGNIZER, n), train(RECOGNIZER)
    ),
    "fast_champion": Maker(
        lambda ws: crowned(ws, DETECTOR), trained(DETECTOR), lambda world: DETECTOR.promote(world.workspace)
    ),
    "dlora_champion": Maker(
        lambda ws: crowned(ws, RECOGNIZER), trained(RECOGNIZER), lambda world: RECOGNIZER.promote(world.workspace)
    ),
    "detections": Maker(lambda ws: [ws.detections], champion, detect),
    "predictions": Maker(lambda ws: [ws.predictions], champion, predict),
}
