"""The card of a trained recognizer: real numbers, and nothing of the machine it was trained on."""

from __future__ import annotations

import pytest

from ocr_pipeline.recognition.dlora.card import model_card

SCORES = {"count": 200, "cer_low": 0.1, "cer_high": 0.14, "wer": 0.3, "exact": 0.7}
STATE = {
    "global_step": 500,
    "key": {"method": "dlora", "training data": [{"name": "handwriting_annotations_train.lmdb", "samples": 12345}]},
    "history": [{"step": 0, "cer": 0.5, **SCORES}, {"step": 250, "loss": 1.0}, {"step": 500, "cer": 0.1234, **SCORES}],
}


@pytest.mark.parametrize("merged", [True, False])
def test_the_card_tells_data_scores_and_use(merged: bool) -> None:
    card = model_card("ddobokki/ko-trocr", STATE, merged=merged)
    assert "base_model: ddobokki/ko-trocr\n" in card and "language: ko" in card
    assert "| handwriting_annotations_train.lmdb | 12,345 |" in card and "trained for 500 steps" in card
    assert "| character error rate | 0.5000 (0.1000 to 0.1400) | 0.1234 (0.1000 to 0.1400) |" in card
    assert ("VisionEncoderDecoderModel" in card) == merged == ("library_name: transformers" in card)


def test_a_folder_is_told_by_its_name_alone() -> None:
    card = model_card("/home/somebody/models/my_base", STATE, merged=False)
    assert "my_base, trained" in card and "somebody" not in card and "base_model" not in card


def test_what_was_not_evaluated_claims_nothing() -> None:
    card = model_card("korean_words", {**STATE, "global_step": 300}, merged=False)
    assert "It was not evaluated at this step." in card and "0.1234" not in card
