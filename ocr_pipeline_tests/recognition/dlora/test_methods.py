"""The other ways of training: LoRA in both halves, DoRA in both, every weight, and all linear layers."""

import copy
import csv
import itertools
import logging

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, TrOCRProcessor, VisionEncoderDecoderModel, ViTImageProcessorPil

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.recognition import Loading, worst_crops
from ocr_pipeline.recognition.augmentation import augment
from ocr_pipeline.recognition.dlora import DloraTraining, load, merge_checkpoint, train_dlora
from ocr_pipeline.recognition.dlora.adapters import (
    ADAPTERS,
    DECODER,
    ENCODER,
    add_adapters,
    load_adapters,
    save_adapters,
)
from ocr_pipeline.recognition.dlora.data import StepSampler
from ocr_pipeline.recognition.dlora.loss import token_loss
from ocr_pipeline_tests.recognition.dlora.test_adapters import logits, train


def plan(base, output, **changes):
    standard = {
        "per_device_train_batch_size": 4,
        "learning_rate": 5e-3,
        "max_steps": 4,
        "save_steps": 2,
        "eval_steps": 2,
        "logging_steps": 2,
        "generation_max_length": 8,
        "lora_rank": 4,
    }
    return DloraTraining(str(base), str(output), **{**standard, **changes})


@pytest.fixture
def base(random_model):
    return copy.deepcopy(random_model)


@pytest.fixture
def data(jsonl, words):
    return [jsonl("train", words[:19])], [jsonl("valid", words[19:])]


@pytest.mark.parametrize(("method", "encoder", "decoder"), [("dlora", 6, 0), ("lora", 0, 0), ("dora", 6, 8)])
def test_methods_differ_in_where_magnitudes_are_and_all_of_them_learn(base, method, encoder, decoder):
    model = add_adapters(base, rank=4, alpha=8, dropout=0.0, method=method)
    train(model)  # GradientWatch inside
    magnitudes = [name for name, _ in model.named_parameters() if "magnitude" in name]
    assert sum(f".{ENCODER}" in name for name in magnitudes) == encoder
    assert sum(f".{DECODER}" in name for name in magnitudes) == decoder


def test_with_ffn_every_linear_layer_of_a_block_is_adapted_and_loaded_again(base, random_model, tmp_path):
    model = add_adapters(base, rank=2, alpha=4, dropout=0.0, preset="attention+ffn")
    train(model)
    adapted = [name for name, _ in model.named_modules() if name.endswith(f"lora_A.{ENCODER}")]
    assert len(adapted) == 2 * 6  # q, k, v, output, and two of the feed-forward
    assert len([name for name, _ in model.named_modules() if name.endswith(f"lora_A.{DECODER}")]) == 4 + 4 + 2
    save_adapters(model, tmp_path)
    assert torch.equal(logits(load_adapters(copy.deepcopy(random_model), tmp_path)), logits(model))


def test_an_adapter_in_the_root_is_the_one_that_its_modules_tell(base, random_model, tmp_path):
    """Resumed runs of older programs keep one adapter as "default" in the root, the other in its folder."""
    model = add_adapters(base, rank=4, alpha=8, dropout=0.0)
    train(model)
    save_adapters(model, tmp_path)
    for path in list((tmp_path / DECODER).iterdir()):
        path.rename(tmp_path / path.name)
    (tmp_path / DECODER).rmdir()
    loaded = load_adapters(copy.deepcopy(random_model), tmp_path)
    assert torch.equal(logits(loaded), logits(model))


def test_a_model_saved_with_its_adapters_around_it_is_refused(base, base_folder, tmp_path):
    """``from_pretrained`` would make up the missing weights at random, another model at each load."""
    model = add_adapters(base, rank=4, alpha=8, dropout=0.0)
    model.get_base_model().config.save_pretrained(tmp_path)
    save_file({name: weight.clone() for name, weight in base.state_dict().items()}, tmp_path / "model.safetensors")
    for file in base_folder.glob("*token*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    ViTImageProcessorPil.from_pretrained(base_folder).save_pretrained(tmp_path)
    with pytest.raises(PipelineError, match="they would be random"):
        load(tmp_path)


def test_full_fine_tuning_moves_the_model_and_resumes_bit_for_bit(base_folder, data, tmp_path):
    whole = train_dlora(plan(base_folder, tmp_path / "whole", method="full", learning_rate=1e-3), *data)
    train_dlora(plan(base_folder, tmp_path / "torn", method="full", learning_rate=1e-3), *data)
    again = plan(
        base_folder,
        tmp_path / "torn2",
        method="full",
        learning_rate=1e-3,
        resume_from_checkpoint=str(tmp_path / "torn/checkpoint-2"),
    )
    train_dlora(again, *data)
    one, other = (load_file(tmp_path / name / "checkpoint-4/model.safetensors") for name in ("whole", "torn2"))
    start = load_file(base_folder / "model.safetensors")
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.equal(one["decoder.cls.predictions.bias"], start["decoder.cls.predictions.bias"].float())
    alone, beside_a_base = load(whole.checkpoint), load(whole.checkpoint, Loading(base=base_folder))
    assert alone.fingerprint == beside_a_base.fingerprint != load(base_folder).fingerprint
    alone.read_crops([np.zeros((20, 50, 3), np.uint8)])


def test_a_merged_folder_is_loaded_by_transformers_alone(data, tmp_path, words):
    checkpoint = train_dlora(plan(TINY_KOREAN, tmp_path / "out"), *data).checkpoint
    folder = merge_checkpoint(checkpoint, tmp_path / "merged")
    assert not list(folder.rglob("adapter*"))
    ours = load(checkpoint)
    theirs, processor = VisionEncoderDecoderModel.from_pretrained(folder), TrOCRProcessor.from_pretrained(folder)
    crops = [crop for _, crop in words[:4]]
    pixels = processor(images=[Image.fromarray(crop) for crop in crops], return_tensors="pt").pixel_values
    tokens = torch.tensor([[2, 7, 8, 9]] * 4)
    with torch.no_grad():
        expected, got = (m.eval()(pixel_values=pixels, decoder_input_ids=tokens).logits for m in (ours.model, theirs))
        said = theirs.generate(pixels)
    assert torch.equal(got, expected)
    assert not torch.equal(expected, load(TINY_KOREAN).model(pixels, tokens).logits)
    assert [ours.codec.decode(row) for row in said.tolist()] == [reading.text for reading in ours.read_crops(crops)]
    assert (
        AutoTokenizer.from_pretrained(folder)("가").input_ids
        == AutoTokenizer.from_pretrained(TINY_KOREAN)("가").input_ids
    )
    assert load(folder).read_crops(crops) == ours.read_crops(crops)


def test_gradient_checkpointing_changes_memory_and_nothing_else(base_folder, data, tmp_path):
    for name, on in (("plain", False), ("spared", True)):
        train_dlora(plan(base_folder, tmp_path / name, gradient_checkpointing=on, max_steps=2), data[0], [])
    for adapter in ADAPTERS:
        one, other = (
            load_file(tmp_path / name / "checkpoint-2" / adapter / "adapter_model.safetensors")
            for name in ("plain", "spared")
        )
        for key, tensor in one.items():
            torch.testing.assert_close(tensor, other[key], atol=1e-6, rtol=0)


def test_label_smoothing_is_that_of_torch():
    scores, labels = torch.randn(2, 3, 7), torch.tensor([[1, 2, -100], [3, 4, 5]])
    expected = torch.nn.CrossEntropyLoss(label_smoothing=0.1)(
        scores.flatten(0, 1)[[0, 1, 3, 4, 5]], labels[labels >= 0]
    )
    assert token_loss(scores, labels, 0.1).item() == pytest.approx(5 * expected.item(), rel=1e-5)
    assert token_loss(scores, labels, 0.1) != token_loss(scores, labels)


def test_augmentation_reaches_the_training_and_can_be_told_from_the_numbers(base_folder, data, tmp_path):
    for name, changes in (("plain", {}), ("changed", {"augment": True}), ("again", {"augment": True})):
        changes |= {"dataloader_num_workers": 1 if name == "again" else 0, "lora_dropout": 0.0}
        train_dlora(plan(base_folder, tmp_path / name, max_steps=2, **changes), data[0], [])
    plain, changed, again = (
        load_file(tmp_path / name / "checkpoint-2" / ENCODER / "adapter_model.safetensors")
        for name in ("plain", "changed", "again")
    )
    assert any(not torch.equal(plain[key], changed[key]) for key in plain)
    assert all(torch.equal(changed[key], again[key]) for key in changed)


def test_augmented_crops_keep_their_size_and_most_of_their_ink(words):
    rng = np.random.default_rng(0)
    for _, crop in words:
        changed = [augment(crop, rng) for _ in range(6)]
        assert all(picture.shape == crop.shape and picture.dtype == np.uint8 for picture in changed)
        assert any(not np.array_equal(picture, crop) for picture in changed)
        assert all(picture.std() > 0.4 * crop.std() for picture in changed)


def test_sorted_steps_hold_like_lengths_and_every_sample_once():
    lengths = np.random.default_rng(3).integers(1, 30, 64).tolist()
    shared = {"batch": 4, "accumulation": 1, "seed": 1, "first": 0, "last": 32}
    batches = list(StepSampler(64, **shared, length=lengths.__getitem__))
    assert sorted(itertools.chain(*batches[:16])) == list(range(64))
    spread = [np.ptp([lengths[number % 64] for number in batch]) for batch in batches]
    unsorted = [np.ptp([lengths[number % 64] for number in batch]) for batch in StepSampler(64, **shared)]
    assert np.mean(spread) < 0.3 * np.mean(unsorted)
    assert list(StepSampler(64, **{**shared, "first": 21}, length=lengths.__getitem__)) == batches[21:]


def test_a_strict_training_stops_at_what_cannot_be_said(base_folder, jsonl, words, tmp_path):
    labels = jsonl("train", [("½", words[0][1]), ("½", words[1][1]), *words[2:6]])
    train_dlora(plan(base_folder, tmp_path / "warned", max_steps=1), [labels], [])
    with pytest.raises(PipelineError, match="2 of 6 labels"):
        train_dlora(plan(base_folder, tmp_path / "strict", strict_charset=True), [labels], [])
    rows = list(csv.DictReader((tmp_path / "strict/charset.csv").open(encoding="utf-8")))
    assert [(row["kind"], row["text"], row["count"]) for row in rows] == [("character", "½", "2"), ("label", "½", "2")]


def test_every_reading_of_the_best_evaluation_is_kept(base_folder, data, words, tmp_path):
    result = train_dlora(plan(base_folder, tmp_path / "out"), *data)
    rows = list(csv.DictReader((tmp_path / "out/predictions.csv").open(encoding="utf-8")))
    assert [row["reference"] for row in rows] == [text for text, _ in words[19:]]
    groups = {row["group"]: row for row in csv.DictReader((tmp_path / "out/scores.csv").open(encoding="utf-8"))}
    assert float(groups["all"]["cer"]) == result.best.cer
    assert int(groups["source valid.jsonl"]["count"]) == 5
    worst = worst_crops(tmp_path / "out/predictions.csv", 3)
    assert len(worst) == 3
    assert {crop.reference for _, crop in worst} <= {text for text, _ in words[19:]}
    assert Image.open(tmp_path / "out/curves.png").size[0] == 640


def test_what_is_to_be_logged_is_logged(base_folder, data, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    shown = {"show_training": True, "show_tokens": True, "show_gradients": True, "profile": True}
    train_dlora(plan(base_folder, tmp_path / "out", max_steps=2, show_predictions=1, **shown), *data)
    assert sum(record.message.startswith("reads") for record in caplog.records) == 2  # one of each evaluation
    assert "training crop" in caplog.text and "samples/s" in caplog.text
    assert f"gradient of {ENCODER}: norm" in caplog.text and f"gradient of {DECODER}: norm" in caplog.text


def test_tensorboard_gets_the_rows(base_folder, data, tmp_path, monkeypatch):
    written = []

    class Writer:
        def __init__(self, folder):
            written.append(folder)

        def add_scalar(self, name, value, step):
            written.append((name, step))

        def flush(self):
            pass

    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", type("M", (), {"SummaryWriter": Writer}))
    train_dlora(plan(base_folder, tmp_path / "out", max_steps=2, report_to="tensorboard"), *data)
    assert ("loss", 2) in written and ("cer", 2) in written
