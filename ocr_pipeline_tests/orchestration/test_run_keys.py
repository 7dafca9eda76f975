"""A setting that a later version adds neither moves the folder of a training nor makes its checkpoint stale."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ocr_pipeline.fast.settings import FastTraining
from ocr_pipeline.orchestration.assets.training import _plain
from ocr_pipeline.recognition.dlora import DloraTraining
from ocr_pipeline.release.checkpoint import TrainedCheckpoint
from ocr_pipeline.release.recipe import Recipe
from ocr_pipeline.settings import LATER, Setting, recorded
from ocr_pipeline.storage.artifacts.manifest import Input
from ocr_pipeline.storage.artifacts.quarantine import Counts


@dataclass(frozen=True)
class GrownDlora(DloraTraining):
    folds: Annotated[int, Setting("Of a later version."), LATER] = 0


@dataclass(frozen=True, kw_only=True)
class GrownFast(FastTraining):
    folds: Annotated[int, Setting("Of a later version."), LATER] = 0


def training(folder: Path, settings: FastTraining | DloraTraining) -> TrainedCheckpoint:
    recipe = Recipe((), (), (), [Input("a_train.lmdb", "1")], Counts())
    config = recorded(settings.effective_config()) if isinstance(settings, FastTraining) else {}
    return TrainedCheckpoint("a_checkpoint", folder / "published.pth", "1", _plain(settings, config), recipe)


def test_a_checkpoint_of_before_is_found_and_one_of_another_value_is_not(tmp_path: Path):
    weights = tmp_path / "weights.pth"
    weights.write_text("weights")
    fast = FastTraining(config=Path("narrow_demo.yaml"), output_dir=tmp_path)
    for known, grown in ((DloraTraining("", ""), GrownDlora), (fast, GrownFast)):
        before = training(tmp_path, known)
        with before.publication() as made:
            before.publish(made, weights, {"hmean": 0.5})
        for folds in (0, 1):
            now = training(tmp_path, grown(**vars(known), folds=folds))
            with now.publication() as made:
                assert (now.key == before.key, made.current is not None) == (not folds, not folds)
                if folds:
                    now.publish(made, weights, {"hmean": 0.5})
