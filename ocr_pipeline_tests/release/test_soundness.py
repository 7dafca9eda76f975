"""What a training does not begin on, whatever ran before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocr_pipeline import recognition
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.release.recipe import Recipe, choose_data
from ocr_pipeline.release.soundness import crop_faults, demand_sayable_labels, demand_sound_data, objections
from ocr_pipeline.storage.artifacts.manifest import manifest_path
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.quality.making import TRAIN, VALID, admin_page, measure, publish
from ocr_pipeline_tests.trees import picture, write_tree


def admin_tree(root: Path, leak: bool = False) -> Share:
    same = picture(".jpg", seed=1) if leak else None
    pages = {**admin_page("train", "a", "가나", image=same), **admin_page("train", "b", "다라")}
    return Share(str(write_tree(root, {**pages, **admin_page("valid", "c", "마바", image=same)})))


def recipe_of(workspace: Workspace, *partitions: str) -> Recipe:
    return choose_data(partitions, lambda name, split: workspace.annotations(name, split, "lmdb"), fully_labelled=False)


@pytest.fixture
def sound(tmp_path: Path, workspace: Workspace) -> Share:
    """Two partitions that may be trained on."""
    share = publish(admin_tree(tmp_path / "share"), workspace, TRAIN, VALID, crops=True)
    for partition in (TRAIN, VALID):
        measure(share, workspace, partition)
    return share


def test_sound_data_passes(sound: Share, workspace: Workspace) -> None:
    recipe = recipe_of(workspace)
    assert [partition.key for partition in recipe.partitions] == ["public_admin_train", "public_admin_valid"]
    demand_sound_data(workspace, recipe, crop_faults)


def test_a_leak_stops_a_training_that_is_a_run_of_its_own(tmp_path: Path, workspace: Workspace) -> None:
    share = publish(admin_tree(tmp_path / "share", leak=True), workspace, TRAIN, VALID, crops=True)
    for partition in (TRAIN, VALID):
        measure(share, workspace, partition)
    with pytest.raises(PipelineError, match="2 pages stand in training and validation data at once") as refused:
        demand_sound_data(workspace, recipe_of(workspace), crop_faults)
    assert "despite_checks: true" in str(refused.value)
    assert not list(objections(workspace, recipe_of(workspace, "public_admin_train")))  # nothing is validated on


def test_what_was_not_measured_since_its_labels_changed_is_not_trusted(
    sound: Share, tmp_path: Path, workspace: Workspace
) -> None:
    write_tree(tmp_path / "share", admin_page("train", "d", "사아"))
    publish(sound, workspace, TRAIN, crops=True)
    assert list(objections(workspace, recipe_of(workspace))) == [
        "public_admin_train: its labels have changed since its quality was measured"
    ]
    workspace.quality("public_admin_valid").unlink()
    assert "public_admin_valid: its quality has not been measured" in list(objections(workspace, recipe_of(workspace)))


def test_a_damaged_artifact_stops_it(sound: Share, workspace: Workspace) -> None:
    artifact = workspace.annotations("public_admin", "train", "lmdb")
    text = manifest_path(artifact).read_text()
    manifest_path(artifact).write_text(text.replace('"words_out": 2', '"words_out": 1'))
    with pytest.raises(PipelineError, match=r"counts do not add up.*2 crops, but the manifest says 1"):
        demand_sound_data(workspace, recipe_of(workspace), crop_faults)


def test_labels_that_the_base_cannot_say_stop_it(sound: Share, workspace: Workspace, tmp_path: Path) -> None:
    (crops,) = recipe_of(workspace).train
    demand_sayable_labels(recognition.label_coverage(TINY_KOREAN, [crops]), "tiny")
    write_tree(tmp_path / "share", admin_page("train", "e", "ঐতিহ্য"))
    publish(sound, workspace, TRAIN, crops=True)
    with pytest.raises(PipelineError, match=r"33\.3% of the labels"):
        demand_sayable_labels(recognition.label_coverage(TINY_KOREAN, [crops]), "tiny")


def test_a_base_that_is_not_there_is_named(sound: Share, workspace: Workspace) -> None:
    with pytest.raises(PipelineError, match=r"no such base model.*nowhere"):
        recognition.label_coverage(workspace.root / "nowhere", recipe_of(workspace).train)
