import csv

import pytest
import torch
from transformers import AutoImageProcessor, AutoTokenizer, VisionEncoderDecoderModel

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.dlora import DloraTraining, train_dlora
from ocr_pipeline.recognition.dlora.adapters import ADAPTERS
from ocr_pipeline.recognition.dlora.checkpoints import load_state
from ocr_pipeline.recognition.dlora.recognizer import load_merged
from ocr_pipeline_tests.recognition.dlora.small_runs import assert_same, settings, weights


def test_a_base_beside_the_training_is_found_from_anywhere(base_folder, data, tmp_path, monkeypatch):
    monkeypatch.chdir(base_folder.parent)
    plan = settings(base_folder.name, tmp_path / "out", max_steps=1)
    checkpoint = train_dlora(plan, data[0], []).checkpoint
    monkeypatch.chdir(tmp_path)
    assert load_merged(checkpoint).name == str(base_folder)


def test_a_damaged_tokenizer_is_told_where_it_lies(base_folder, data, tmp_path):
    checkpoint = train_dlora(settings(base_folder, tmp_path / "out", max_steps=1), data[0], []).checkpoint
    (checkpoint / "tokenizer.json").write_text("{")
    with pytest.raises(PipelineError, match=f"tokenizer or the image processor cannot be loaded.*{checkpoint}"):
        load_merged(checkpoint)


def test_another_seed_ends_in_other_weights(base_folder, data, tmp_path):
    for seed in (1, 2):
        train_dlora(settings(base_folder, tmp_path / str(seed), seed=seed, max_steps=2, eval_steps=9), data[0], [])
    one, other = (weights(tmp_path / f"{seed}/checkpoint-2") for seed in (1, 2))
    assert any(not torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(("batch", "accumulation"), [(2, 4), (3, 3)], ids=["2x4", "3x3 over 8"])
def test_accumulation_does_not_change_the_training(base_folder, data, tmp_path, batch, accumulation):
    """Labels differ in length, so a mean of the micro-batches' means would go elsewhere."""
    steps, plain = 3, {"lora_dropout": 0.0, "eval_steps": 99}
    size = batch * accumulation
    for name, by, times in (("whole", size, 1), ("parts", batch, accumulation)):
        changes = {"per_device_train_batch_size": by, "gradient_accumulation_steps": times, "max_steps": steps}
        train_dlora(settings(base_folder, tmp_path / name, **changes, **plain), data[0], [])
    one, other = (weights(tmp_path / name / f"checkpoint-{steps}") for name in ("whole", "parts"))
    assert_same(one, other, atol=2e-5, rtol=0)


def test_both_adapters_are_trained_and_published_with_all_that_reading_needs(base_folder, data, tmp_path):
    result = train_dlora(settings(base_folder, tmp_path / "out"), *data)
    assert all(tensor.any() for name, tensor in weights(tmp_path / "out/checkpoint-6").items())
    for folder in (result.checkpoint, tmp_path / "out/checkpoint-3"):
        assert {f"{adapter}/adapter_config.json" for adapter in ADAPTERS} <= {
            str(path.relative_to(folder)) for path in folder.rglob("*.json")
        }
        assert (
            AutoTokenizer.from_pretrained(folder)("가").input_ids
            == AutoTokenizer.from_pretrained(base_folder)("가").input_ids
        )
        assert AutoImageProcessor.from_pretrained(folder).size == {"height": 32, "width": 128}
        assert {"optimizer", "scaler", "global_step", "epoch"} <= load_state(folder).keys()


def test_the_base_is_measured_first_and_every_evaluation_is_recorded(base_folder, data, tmp_path):
    events = []
    result = train_dlora(settings(base_folder, tmp_path / "out"), *data, on_progress=events.append)
    assert events[0].step == 0
    assert events[0].scores == result.base
    assert [event.step for event in events if event.scores] == [0, 2, 4, 6]
    assert [event.step for event in events if event.loss is not None] == [1, 2, 3, 4, 5, 6]
    rows = list(csv.DictReader((tmp_path / "out/results.csv").open()))
    assert [int(row["step"]) for row in rows if row["cer"]] == [0, 2, 4, 6]
    best = min((row for row in rows[1:] if row["cer"]), key=lambda row: float(row["cer"]))
    assert result.best.cer == float(best["cer"])
    assert result.checkpoint == tmp_path / f"out/checkpoint-{best['step']}"
    assert result.best.count == result.base.count == 4


def test_learning_lowers_the_loss(base_folder, jsonl, words, tmp_path):
    one = jsonl("one", words[:4])
    changes = {"max_steps": 60, "gradient_accumulation_steps": 1, "learning_rate": 1e-1, "lora_dropout": 0.0}
    result = train_dlora(settings(base_folder, tmp_path / "out", **changes, eval_steps=99), [one], [])
    losses = [row["loss"] for row in result.history]
    assert losses[-1] < losses[0] - 0.5  # the head is random and stays so
    assert result.best is None
    assert result.checkpoint.name == "checkpoint-60"


def test_old_checkpoints_go_but_the_best_stays(base_folder, data, tmp_path):
    result = train_dlora(settings(base_folder, tmp_path / "out", save_steps=1, save_total_limit=1), *data)
    left = {path.name for path in (tmp_path / "out").glob("checkpoint-*")}
    assert left == {"checkpoint-6", result.checkpoint.name}


def test_labels_that_cannot_be_said_are_reported(base_folder, jsonl, words, tmp_path):
    data = jsonl("train", [("½", words[0][1]), *words[1:5]])
    result = train_dlora(settings(base_folder, tmp_path / "out", max_steps=1), [data], [])
    assert (result.coverage.labels, result.coverage.changed) == (5, 1)
    assert result.coverage.characters == {"½": 1}


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [1, 1, 1, 1]),
        ("constant_with_warmup", [0.5, 1, 1, 1]),
        ("linear", [0.5, 1, 2 / 3, 1 / 3]),
        ("cosine", [0.5, 1, 0.75, 0.25]),
    ],
)
def test_learning_rate(schedule, expected):
    plan = DloraTraining("base", "out", lr_scheduler_type=schedule, warmup_ratio=0.25, learning_rate=1.0)
    assert [plan.learning_rate_at(step, 4) for step in range(4)] == pytest.approx(expected)


def test_steps_come_from_epochs_unless_given():
    assert DloraTraining("base", "out", num_train_epochs=2.5).steps(7) == 18
    assert DloraTraining("base", "out", max_steps=4).steps(7) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"lr_scheduler_type": "polynomial"},
        {"bf16": True, "fp16": True},
        {"save_steps": 0},
        {"lora_rank": -1},
        {"lora_dropout": 1.0},
    ],
)
def test_senseless_settings_are_refused(changes):
    with pytest.raises(PipelineError):
        DloraTraining("base", "out", **changes)


def test_missing_data_and_base_are_mendable_errors(base_folder, data, tmp_path):
    with pytest.raises(PipelineError, match="base model"):
        train_dlora(settings(tmp_path / "nothing", tmp_path / "out"), *data)
    with pytest.raises(PipelineError, match="no training crops"):
        train_dlora(settings(base_folder, tmp_path / "out"), [], [])
    with pytest.raises(PipelineError, match=r"there is no trainer_state\.pt to resume from"):
        train_dlora(settings(base_folder, tmp_path / "out", resume_from_checkpoint=str(tmp_path)), *data)


def test_an_evaluation_that_cannot_generate_is_no_evaluation(base_folder, data, tmp_path, monkeypatch):
    def fail(self, *args, **kwargs):
        raise ValueError("no generation")

    monkeypatch.setattr(VisionEncoderDecoderModel, "generate", fail)
    with pytest.raises(ValueError, match="no generation"):
        train_dlora(settings(base_folder, tmp_path / "out"), *data)
    assert not (tmp_path / "out/results.csv").exists()


def test_flags_of_hugging_face_mean_what_they_mean_there(base_folder, data, tmp_path):
    plan = settings(base_folder, tmp_path / "out", save_steps=1, save_total_limit=-1, max_grad_norm=0, warmup_steps=2)
    assert [plan.learning_rate_at(step, 6) for step in (0, 1, 2)] == pytest.approx([5e-3 / 3, 1e-2 / 3, 5e-3])
    train_dlora(plan, *data)
    assert len(list((tmp_path / "out").glob("checkpoint-*"))) == 6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_grad_norm", -1),
        ("num_train_epochs", 0),
        ("lora_alpha", 0),
        ("warmup_ratio", 500),
        ("weight_decay", -1),
        ("learning_rate", float("nan")),
        ("seed", -1),
        ("label_smoothing_factor", 1.5),
        ("generation_max_length", 1),
    ],
)
def test_values_out_of_their_range_are_refused(name, value):
    with pytest.raises(PipelineError, match=name):
        DloraTraining("base", "out", **{name: value})


def test_a_training_of_nothing_is_an_error(base_folder, data, tmp_path):
    train_dlora(settings(base_folder, tmp_path / "out", max_steps=4), *data)
    with pytest.raises(PipelineError, match="has taken 4 steps already"):
        train_dlora(settings(base_folder, tmp_path / "out", max_steps=2, resume_from_checkpoint="last"), *data)
    again = train_dlora(settings(base_folder, tmp_path / "out", max_steps=4, resume_from_checkpoint="last"), *data)
    assert again.checkpoint.is_dir()
