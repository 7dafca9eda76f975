"""Which base a checkpoint belongs to."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition import Loading
from ocr_pipeline.recognition.dlora import (
    DloraTraining,
    base_fingerprint,
    load,
    merge_checkpoint,
    train_dlora,
)
from ocr_pipeline.recognition.dlora.bases import demand_base, record_base
from ocr_pipeline.recognition.dlora.recognizer import load_base


@pytest.fixture
def other_base(base_folder, tmp_path):
    """A base of the same name and shape with one weight moved."""
    folder = shutil.copytree(base_folder, tmp_path / "elsewhere" / base_folder.name)
    weights = load_file(folder / "model.safetensors")
    weights["decoder.cls.predictions.bias"] += 1
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def plan(base, output, **changes):
    return DloraTraining(str(base), str(output), max_steps=2, save_steps=1, use_cpu=True, lora_rank=4, **changes)


def test_a_fingerprint_is_that_of_the_weights(base_folder, other_base, tmp_path):
    copied = shutil.copytree(base_folder, tmp_path / "copied")
    (copied / "config.json").touch()
    assert base_fingerprint(copied) == base_fingerprint(str(base_folder))
    assert base_fingerprint(other_base) != base_fingerprint(base_folder)


def test_weights_in_several_files_and_in_the_old_format_count_as_well(tmp_path):
    parts = {f"model-0000{n}-of-00002.safetensors": {f"w{n}": torch.full((2,), float(n))} for n in (1, 2)}
    for name, tensors in parts.items():
        save_file(tensors, tmp_path / name)
    index = {"weight_map": {key: name for name, tensors in parts.items() for key in tensors}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    spread = base_fingerprint(tmp_path)
    save_file({"w2": torch.zeros(2)}, tmp_path / "model-00002-of-00002.safetensors")
    assert base_fingerprint(tmp_path) != spread
    (tmp_path / "old").mkdir()
    torch.save({"w": torch.zeros(2)}, tmp_path / "old/pytorch_model.bin")
    assert len(base_fingerprint(tmp_path / "old")) == len(spread)


def test_a_folder_without_weights_is_named(tmp_path):
    with pytest.raises(PipelineError, match="neither model") as caught:
        base_fingerprint(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_adapters_are_used_with_their_own_base_only(base_folder, other_base, jsonl, words, tmp_path):
    data = [jsonl("train", words[:8])]
    checkpoint = train_dlora(plan(base_folder, tmp_path / "out"), data, []).checkpoint
    own, other = base_fingerprint(base_folder), base_fingerprint(other_base)
    record = json.loads((checkpoint / "base.json").read_text())
    assert record == {"name": str(base_folder), "fingerprint": own}
    load(checkpoint, Loading(base=shutil.copytree(base_folder, tmp_path / "moved")))
    resumed = plan(other_base, tmp_path / "out", resume_from_checkpoint=str(checkpoint.with_name("checkpoint-1")))
    for misuse in (
        lambda: load(checkpoint, Loading(base=other_base)),
        lambda: merge_checkpoint(checkpoint, tmp_path / "merged", base=other_base),
    ):
        with pytest.raises(PipelineError, match=f"with weights {own}, and .* has weights {other}"):
            misuse()
    with pytest.raises(PipelineError, match=rf"trained with base {own} \(now {other}\)"):
        train_dlora(resumed, data, [])
    (checkpoint / "base.json").unlink()  # as older checkpoints are
    load(checkpoint, Loading(base=other_base))


def test_other_weights_of_the_package_are_told_as_such(tmp_path):
    record_base(tmp_path, "korean_words", "1")
    demand_base(tmp_path, "korean_words", "1")
    with pytest.raises(PipelineError, match=r"came with other weights then.*merge-dlora"):
        demand_base(tmp_path, "korean_words", "2")
    with pytest.raises(PipelineError, match="Give the base that they were trained on"):
        demand_base(tmp_path, "mine", "2")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), []),
        ((), None),
        ((), {}),
        (("encoder",), 1),
        (("decoder",), None),
        (("encoder", "model_type"), ["vit"]),
        (("encoder", "hidden_size"), 0),
    ],
)
def test_a_configuration_that_is_none_is_one_clear_error(base_folder, tmp_path, path, value):
    folder = shutil.copytree(base_folder, tmp_path / "base")
    config = whole = json.loads((folder / "config.json").read_text())
    for name in path[:-1]:
        config = config[name]
    if path:
        config[path[-1]] = value
    (folder / "config.json").write_text(json.dumps(whole if path else value))
    with pytest.raises(PipelineError, match="the base model cannot be loaded") as refused:
        load_base(folder)
    assert refused.value.where == str(folder) and "ignore_mismatched" not in str(refused.value)
