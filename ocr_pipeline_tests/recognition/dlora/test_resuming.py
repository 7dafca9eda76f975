"""A training that was interrupted, prolonged or changed: where it goes on, and where it begins anew."""

import json
import shutil
from dataclasses import dataclass, replace
from typing import Annotated

import pytest
import torch
from transformers import VisionEncoderDecoderModel

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.dlora import DloraTraining, train_dlora
from ocr_pipeline.recognition.dlora.checkpoints import STATE, load_state
from ocr_pipeline.settings import LATER, Setting
from ocr_pipeline_tests.recognition.conftest import write_jsonl
from ocr_pipeline_tests.recognition.dlora.small_runs import assert_same, settings, weights


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
    with pytest.raises(PipelineError, match="another training was here"):
        train_dlora(plan, [tmp_path / "terabytes.lmdb"], [])  # before all of the data is read


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
