"""How often characters were there to be learnt."""

from __future__ import annotations

from pathlib import Path

from ocr_pipeline.judging.syllables import learnt_syllables
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.data.quality.making import TRAIN, VALID, admin_page, measure, publish
from ocr_pipeline_tests.trees import write_tree


def test_training_partitions_count_and_validation_does_not(tmp_path: Path, workspace: Workspace) -> None:
    assert learnt_syllables(workspace) == {}
    tree = write_tree(tmp_path / "share", {**admin_page("train", "a"), **admin_page("valid", "b")})
    for partition in (TRAIN, VALID):
        measure(publish(tree, workspace, partition), workspace, partition)
    assert learnt_syllables(workspace) == {"가": 1, "나": 1}
    workspace.quality(TRAIN.key).unlink()
    assert learnt_syllables(workspace) == {}
