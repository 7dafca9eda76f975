"""A base in four bits: adapters learn on it, resume, and are merged into the base in full."""

import pytest
import torch

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.recognition.dlora import DloraTraining, load, train_dlora
from ocr_pipeline_tests.recognition.dlora.test_training import assert_same, weights


def plan(output, **changes):
    standard = {
        "per_device_train_batch_size": 8,
        "learning_rate": 4e-3,
        "max_steps": 6,
        "save_steps": 3,
        "eval_steps": 6,
        "logging_steps": 1,
        "lora_rank": 4,
        "qlora": True,
        "use_cpu": True,
    }
    return DloraTraining(str(TINY_KOREAN), str(output), **{**standard, **changes})


@pytest.mark.slow
def test_adapters_learn_on_a_base_in_four_bits_and_resume_exactly(jsonl, words, tmp_path):
    data = [jsonl("train", words[:16])], [jsonl("valid", words[16:])]
    result = train_dlora(plan(tmp_path / "whole"), *data)
    assert result.base.cer < 0.5  # it still reads
    assert all(tensor.any() for tensor in weights(result.checkpoint).values())
    again = plan(tmp_path / "again", resume_from_checkpoint=str(tmp_path / "whole/checkpoint-3"))
    train_dlora(again, *data)
    assert_same(weights(tmp_path / "whole/checkpoint-6"), weights(tmp_path / "again/checkpoint-6"))


def test_what_was_learned_in_four_bits_is_merged_in_full(jsonl, words, tmp_path):
    result = train_dlora(plan(tmp_path / "out", max_steps=3), [jsonl("train", words[:16])], [])
    merged = load(result.checkpoint)
    assert {weight.dtype for weight in merged.model.parameters()} == {torch.float32}
    readings = merged.read_crops([crop for _, crop in words[16:]])
    assert sum(reading.text == text for reading, (text, _) in zip(readings, words[16:], strict=True)) >= 4


def test_without_bitsandbytes_it_is_refused(tmp_path, jsonl, words, monkeypatch):
    monkeypatch.setattr("ocr_pipeline.recognition.dlora.four_bits.find_spec", lambda name: None)
    with pytest.raises(PipelineError, match=r"bitsandbytes is not installed.*\[qlora\]"):
        train_dlora(plan(tmp_path / "out"), [jsonl("train", words[:4])], [])
    with pytest.raises(PipelineError, match="qlora"):
        plan(tmp_path / "out", method="full")
