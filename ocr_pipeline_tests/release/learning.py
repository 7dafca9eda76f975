"""Small hand-made data, and trainings upon it that learn nothing."""

from __future__ import annotations

from pathlib import Path

from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.layout_lmdb import LayoutSettings, build_layouts
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.parallel import Processes
from ocr_pipeline.release.checkpoint import TrainedCheckpoint
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER, Contest
from ocr_pipeline.release.learnt import note_learnt
from ocr_pipeline.release.recipe import Recipe, choose_data
from ocr_pipeline.storage.artifacts.renewal import ANYHOW
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.publishing import publish_text
from ocr_pipeline.storage.source.share import Share

TRAIN = source_partition("handwriting_train")
LMDB = AnnotationSettings(output_format="lmdb")


def deliver(share: Share, workspace: Workspace) -> None:
    """Make all data of a share again, as far as it changed."""
    merge_labels(share, TRAIN, workspace, renewal=ANYHOW)
    build_lookup(share, TRAIN, workspace, renewal=ANYHOW)
    build_annotations(share, TRAIN, workspace, LMDB, crew=Processes(1), renewal=ANYHOW)
    build_layouts(share, TRAIN, workspace, LayoutSettings(), renewal=ANYHOW)


def recipe_of(workspace: Workspace, contest: Contest) -> Recipe:
    def crops(dataset: str, split: str) -> Path:
        return workspace.annotations(dataset, split, "lmdb")

    artifact_of = workspace.layout_lmdb if contest is DETECTOR else crops
    return choose_data([TRAIN.key], artifact_of, fully_labelled=False)


def train(workspace: Workspace, contest: Contest = RECOGNIZER, *, promote: bool = True) -> str:
    """Publish a checkpoint of the data as it is, let it be champion, and give its version."""
    recipe = recipe_of(workspace, contest)
    training = TrainedCheckpoint(contest.name, contest.candidate(workspace), "1", {}, recipe)
    run = (workspace.fast_run if contest is DETECTOR else workspace.dlora_run)(training.key)
    weights = run / ("best.pth" if contest is DETECTOR else "best/adapter.safetensors")
    with training.publication() as made:
        if made.current is None:
            learnt = note_learnt(workspace, recipe, run)
            publish_text(weights, f"weights of {training.key}")
            training.publish(made, weights if contest is DETECTOR else weights.parent, {contest.metric: 0.5}, learnt)
    if promote:
        contest.promote(workspace, "a test")
    return made.manifest.fingerprint
