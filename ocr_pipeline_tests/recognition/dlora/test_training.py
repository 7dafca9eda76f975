import csv
import json
import shutil
from dataclasses import dataclass, replace
from typing import Annotated

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoImageProcessor, AutoTokenizer, VisionEncoderDecoderModel

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.dlora import DloraTraining, train_dlora
from ocr_pipeline.recognition.dlora.adapters import ADAPTERS
from ocr_pipeline.recognition.dlora.checkpoints import STATE, load_state
from ocr_pipeline.recognition.dlora.recognizer import load_merged
from ocr_pipeline.settings import LATER, Setting
from ocr_pipeline_tests.recognition.conftest import write_jsonl


def settings(base, output, **changes):
    standard = {
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 2,
        "learning_rate": 5e-3,
        "max_steps": 6,
        "save_steps": 3,
        "eval_steps": 2,
        "eval_samples": 4,
        "logging_steps": 1,
        "generation_max_length": 8,
        "warmup_ratio": 0.2,
        "lora_rank": 4,
        "lora_alpha": 8,
    }
    return DloraTraining(str(base), str(output), **{**standard, **changes})


def weights(checkpoint):
    return {
        (adapter, name): tensor
        for adapter in ADAPTERS
        for name, tensor in load_file(checkpoint / adapter / "adapter_model.safetensors").items()
    }


def assert_same(one, other, **tolerance):
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], **(tolerance or {"atol": 0, "rtol": 0}), msg=str(name))


@pytest.fixture
def data(jsonl, words):
    return [jsonl("train_a", words[:9]), jsonl("train_b", words[9:19])], [jsonl("valid", words[19:])]


class KilledError(Exception):
    """The process dies here."""


def test_an_interrupted_training_ends_in_the_same_weights(base_folder, data, tmp_path):
    def die(progress):
        if progress.step == 5:
            raise KilledError

    whole = train_dlora(settings(base_folder, tmp_path / "whole"), *data)
    with pytest.raises(KilledError):
        train_dlora(settings(base_folder, tmp_path / "torn"), *data, on_progress=die)
    torch.manual_seed(999)  # a new process has another random state
    again = train_dlora(settings(base_folder, tmp_path / "torn", resume_from_checkpoint="last"), *data)
    assert_same(weights(tmp_path / "whole/checkpoint-6"), weights(tmp_path / "torn/checkpoint-6"))
    assert (tmp_path / "whole/results.csv").read_bytes() == (tmp_path / "torn/results.csv").read_bytes()
    assert (whole.base, whole.best, whole.checkpoint.name) == (again.base, again.best, again.checkpoint.name)


def test_a_training_can_go_on_in_another_folder(base_folder, data, tmp_path):
    train_dlora(settings(base_folder, tmp_path / "first", max_steps=3), *data)
    plan = settings(base_folder, tmp_path / "second", resume_from_checkpoint=str(tmp_path / "first/checkpoint-3"))
    result = train_dlora(plan, *data)
    assert [row["step"] for row in result.history] == [0, 1, 2, 3, 4, 5, 6]
    assert result.checkpoint.parent == tmp_path / "second"
    assert result.checkpoint.is_dir()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"lora_rank": 8}, r"lora_rank 4 \(now 8\)"),
        ({"method": "lora"}, r"method dlora \(now lora\)"),
        ({"method": "full"}, r"method dlora \(now full\)"),
        ({"learning_rate": 1e-3}, "learning_rate"),
        ({"seed": 1}, r"seed 42 \(now 1\)"),
    ],
)
def test_what_a_named_checkpoint_would_overrule_is_an_error(base_folder, data, tmp_path, change, named):
    checkpoint = train_dlora(settings(base_folder, tmp_path / "out", max_steps=1), data[0], []).checkpoint
    plan = settings(base_folder, tmp_path / "out", max_steps=2, resume_from_checkpoint=str(checkpoint), **change)
    with pytest.raises(PipelineError, match=named) as error:
        train_dlora(plan, data[0], [])
    assert "merge-dlora" in error.value.remedy


def test_a_checkpoint_from_before_a_setting_was_there_is_gone_on_from(base_folder, data, tmp_path):
    first = train_dlora(settings(base_folder, tmp_path / "out", max_steps=1), data[0], []).checkpoint
    state = load_state(first)
    for name in ("augment", "target_modules"):
        del state["key"][name]
    torch.save(state, first / STATE)
    plan = settings(base_folder, tmp_path / "out", max_steps=2, resume_from_checkpoint="last")
    assert train_dlora(plan, data[0], []).checkpoint.parent == first.parent
    with pytest.raises(PipelineError, match=r"augment False \(now True\)"):
        train_dlora(replace(plan, augment=True, resume_from_checkpoint=str(first)), data[0], [])


def test_to_begin_anew_leaves_the_checkpoints_of_another_training(base_folder, data, tmp_path):
    first = train_dlora(settings(base_folder, tmp_path / "out", max_steps=1), data[0], []).checkpoint
    elsewhere = train_dlora(settings(base_folder, tmp_path / "other", max_steps=1), data[0], []).checkpoint
    before = weights(first)
    for origin in (None, str(elsewhere)):
        plan = settings(base_folder, tmp_path / "out", max_steps=2, save_total_limit=1, resume_from_checkpoint=origin)
        with pytest.raises(PipelineError, match="another training was here"):
            train_dlora(plan, data[0], [])
    assert_same(before, weights(first))


@dataclass(frozen=True)
class Grown(DloraTraining):
    folds: Annotated[int, Setting("Of a later version."), LATER] = 0


def test_a_later_version_goes_on_in_the_folder_aside(base_folder, data, tmp_path):
    train_dlora(settings(base_folder, tmp_path / "out", max_steps=1), data[0], [])
    plan = settings(base_folder, tmp_path / "out", max_steps=1, seed=1, resume_from_checkpoint="last")
    aside = train_dlora(plan, data[0], []).checkpoint.parent
    grown = Grown(**{**vars(plan), "max_steps": 2})
    assert train_dlora(grown, data[0], []).checkpoint == aside / "checkpoint-2"
    assert train_dlora(replace(grown, folds=1), data[0], []).checkpoint.parent.parent == aside.parent != aside


def test_other_inputs_begin_anew_aside_by_name(base_folder, data, words, tmp_path, caplog):
    """Other crops under the old name, another base, another tokenizer in the old base's place."""
    first = train_dlora(settings(base_folder, tmp_path / "out", max_steps=2), *data)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    bases = {}
    for name in ("tokenizer", "weights"):
        bases[name] = tmp_path / "bases" / name / base_folder.name
        shutil.copytree(base_folder, bases[name])
    tokenizer = json.loads((bases["tokenizer"] / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    one, other = sorted(vocabulary, key=vocabulary.get)[-2:]
    vocabulary[one], vocabulary[other] = vocabulary[other], vocabulary[one]
    (bases["tokenizer"] / "tokenizer.json").write_text(json.dumps(tokenizer))
    model = VisionEncoderDecoderModel.from_pretrained(base_folder)
    with torch.no_grad():
        model.decoder.get_output_embeddings().weight += 1
    model.save_pretrained(bases["weights"])
    (tmp_path / "elsewhere").mkdir()
    others = [write_jsonl(tmp_path / "elsewhere", "train_a", words[5:14]), data[0][1]]
    folders = set()
    for named, base, train in (
        ("training data", base_folder, others),
        ("tokenizer", bases["tokenizer"], data[0]),
        ("base", bases["weights"], data[0]),
    ):
        caplog.clear()
        plan = settings(base, tmp_path / "out", max_steps=2, resume_from_checkpoint="last")
        result = train_dlora(plan, train, data[1])
        assert f"was trained with {named} " in caplog.text and str(result.checkpoint.parent) in caplog.text
        assert len(result.history) == len(first.history)
        assert train_dlora(plan, train, data[1]).checkpoint == result.checkpoint
        folders.add(result.checkpoint.parent)
    assert len(folders) == 3 and {folder.parent for folder in folders} == {tmp_path / "out"}
    assert before.items() <= {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}.items()


def test_on_other_validation_crops_the_best_is_sought_anew(base_folder, data, jsonl, words, tmp_path):
    train_dlora(settings(base_folder, tmp_path / "out", max_steps=2, learning_rate=1e-6), *data)
    plan = settings(base_folder, tmp_path / "out", max_steps=4, learning_rate=1e-6, resume_from_checkpoint="last")
    result = train_dlora(plan, data[0], [jsonl("other_valid", words[:5])])
    assert result.checkpoint.name == "checkpoint-4"


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


@pytest.mark.parametrize(
    "name",
    ["encoder_dora/adapter_model.safetensors", "encoder_dora/adapter_config.json", "base.json", "trainer_state.pt"],
)
@pytest.mark.parametrize("share", [0, 0.5])
def test_a_damaged_checkpoint_is_named(base_folder, data, tmp_path, name, share):
    checkpoint = train_dlora(settings(base_folder, tmp_path / "out", max_steps=1), data[0], []).checkpoint
    whole = (checkpoint / name).read_bytes()
    (checkpoint / name).write_bytes(whole[: int(len(whole) * share)])
    plan = settings(base_folder, tmp_path / "out", max_steps=2, resume_from_checkpoint=str(checkpoint))
    with pytest.raises(PipelineError, match=name) as error:
        train_dlora(plan, *data)
    assert "weights_only" not in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        {"key": [1]},
        {"global_step": "x"},
        {"global_step": -1},
        {"history": 5},
        {"history": [5]},
        {"optimizer": {}},
        {"best": {"a": 1}},
        None,
    ],
    ids=str,
)
def test_a_state_that_is_none_is_told(base_folder, data, tmp_path, change):
    checkpoint = train_dlora(settings(base_folder, tmp_path / "out", max_steps=1), data[0], []).checkpoint
    torch.save({} if change is None else load_state(checkpoint) | change, checkpoint / STATE)
    for named in (str(checkpoint), "last"):
        plan = settings(base_folder, tmp_path / "out", max_steps=2, resume_from_checkpoint=named)
        with pytest.raises(PipelineError, match="the state of the training cannot be read") as error:
            train_dlora(plan, data[0], [])
        assert error.value.where == str(checkpoint / STATE)
