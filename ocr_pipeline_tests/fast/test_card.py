"""The card of a detector: real numbers of these very weights, and nothing of the machine it was trained on."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from ocr_pipeline.fast import FastConfig, FastTraining, export_onnx, export_weights, load_network, train_fast
from ocr_pipeline.fast.card import card_of, detector_card
from ocr_pipeline.models import FAST_KOREAN

ORIGIN = {
    "code_version": "3",
    "global_step": 500,
    "metric": {"precision": 0.75, "recall": 0.5, "hmean": 0.6, "step": 500},
    "data": [{"name": "handwriting_train_layout.lmdb", "samples": 12345, "fingerprint": "1"}],
    "judged_on": [{"name": "handwriting_valid_layout.lmdb", "samples": 10, "fingerprint": "2"}],
}
SCORES = "| 0.7500 | 0.5000 | 0.6000 |"


def test_the_card_tells_data_scores_and_rules() -> None:
    card = detector_card(FastConfig(variant="tiny", min_score=0.7), ORIGIN)
    assert card.startswith("---\npipeline_tag: object-detection\n") and "FAST tiny" in card
    assert "| handwriting_train_layout.lmdb | 12,345 |" in card and "trained for 500 steps" in card
    assert SCORES in card and "On validation pages of handwriting_valid_layout.lmdb:" in card
    assert "| min_score | 0.7 |" in card


def test_a_score_of_another_step_is_not_told() -> None:
    card = detector_card(FastConfig(), ORIGIN | {"global_step": 600})
    assert "It was not validated at this step" in card and "0.7500" not in card


def test_what_was_trained_elsewhere_claims_nothing(tmp_path: Path) -> None:
    network, _ = load_network(FAST_KOREAN)
    torch.save({"state_dict": network.state_dict(), "metric": 0.9, "data": "ours"}, tmp_path / "foreign.pth")
    card = card_of(tmp_path / "foreign.pth")
    assert "The checkpoint does not say." in card and "It was not validated" in card and "trained for" not in card


def test_a_training_leaves_the_card_of_its_best_detector(tmp_path: Path, lmdbs, config) -> None:
    train, valid = lmdbs
    how = FastTraining(config=config, output_dir=tmp_path / "run", device="cpu", max_steps=2, num_workers=0)
    settings = dataclasses.replace(how, val_num_workers=0, quiet=True)
    result = train_fast(settings, [train], [valid])
    card = (tmp_path / "run/best_checkpoint.md").read_text(encoding="utf-8")
    assert f"| {result.metrics['precision']:.4f} | {result.metrics['recall']:.4f} |" in card
    assert "| drawn_train_layout.lmdb | 6 |" in card and "drawn_valid_layout.lmdb" in card
    assert str(tmp_path) not in card and card == card_of(result.best_checkpoint)


@pytest.mark.slow
def test_an_export_has_its_card_beside_it_and_other_rules_take_the_score_away(tmp_path: Path) -> None:
    network, weights = load_network(FAST_KOREAN)
    torch.save({"ema": network.state_dict(), "config": weights.extras["config"], **ORIGIN}, tmp_path / "trained.pth")
    export_weights(tmp_path / "trained.pth", tmp_path / "same.pth")
    export_weights(tmp_path / "trained.pth", tmp_path / "other.pth", FastConfig(variant="tiny", min_score=0.3))
    export_onnx(tmp_path / "trained.pth", tmp_path / "model.onnx")
    same, other, onnx = ((tmp_path / f"{name}.md").read_text("utf-8") for name in ("same", "other", "model"))
    assert SCORES in same and same == onnx == card_of(tmp_path / "same.pth")
    assert "0.7500" not in other and "| min_score | 0.3 |" in other
