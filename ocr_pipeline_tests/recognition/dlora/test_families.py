"""Every family of bases goes the whole way, and a base whose parts do not fit is refused before anything begins."""

import dataclasses
import json
import math
import shutil

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import VisionEncoderDecoderModel

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.dlora import DloraTraining, load, merge_checkpoint, train_dlora
from ocr_pipeline.recognition.dlora.checking import check_base
from ocr_pipeline.recognition.dlora.recognizer import load_base
from ocr_pipeline.recognition.interface import Loading
from ocr_pipeline_tests.recognition.dlora.families import DECODERS, ENCODERS, make_base

TEXTS = ["서울특별시 강남구", "Hello world", "10,000원", "#1 ## 가"]
WHITE = np.full((20, 60, 3), 255, np.uint8)


@pytest.mark.parametrize(
    ("encoder", "decoder"),
    [*((encoder, "bert") for encoder in ENCODERS), *(("vit", decoder) for decoder in DECODERS if decoder != "bert")],
)
def test_a_base_is_trained_saved_merged_and_read_with(tmp_path, jsonl, words, encoder, decoder):
    base = make_base(tmp_path / "base", encoder, decoder)
    codec = load_base(base).codec
    assert [codec.decode(codec.encode(text)) for text in TEXTS] == TEXTS
    assert all(codec.encode(text)[-1] == 2 and codec.encode(text).count(2) == 1 for text in TEXTS)
    how = {"max_steps": 2, "per_device_train_batch_size": 2, "generation_max_length": 6, "lora_dropout": 0.0}
    made = train_dlora(DloraTraining(str(base), str(tmp_path / "out"), **how), [jsonl("train", words[:4])], [])
    read = load(made.checkpoint).read_crops([WHITE])
    merged = load(merge_checkpoint(made.checkpoint, tmp_path / "merged")).read_crops([WHITE])
    assert read[0].text == merged[0].text
    assert 0 < read[0].confidence <= 1


@pytest.mark.parametrize(
    "how", [{"max_shard_size": "40KB"}, {"dtype": torch.bfloat16}], ids=["sharded", "in half precision"]
)
def test_weights_may_be_in_parts_or_in_half_precision(tmp_path, jsonl, words, how):
    base, dtype = make_base(tmp_path / "whole"), how.pop("dtype", torch.float32)
    model = VisionEncoderDecoderModel.from_pretrained(base).to(dtype)
    shutil.copytree(base, tmp_path / "base", ignore=shutil.ignore_patterns("model.safetensors"))
    model.save_pretrained(tmp_path / "base", **how)
    parts = sorted((tmp_path / "base").glob("*.safetensors"))
    assert (len(parts) > 2) == bool(how)
    plan = {"max_steps": 2, "per_device_train_batch_size": 2, "generation_max_length": 6, "save_steps": 1}
    settings = DloraTraining(str(tmp_path / "base"), str(tmp_path / "out"), **plan)
    train_dlora(settings, [jsonl("train", words[:4])], [])
    again = dataclasses.replace(settings, resume_from_checkpoint="last", max_steps=3)
    made = train_dlora(again, [tmp_path / "train.jsonl"], [])
    merged = merge_checkpoint(made.checkpoint, tmp_path / "merged")
    assert load(made.checkpoint).read_crops([WHITE])[0].text == load(merged).read_crops([WHITE])[0].text
    with safe_open(merged / "model.safetensors", "pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.float32}  # noqa: SIM118
    content = parts[-1].read_bytes()
    parts[-1].write_bytes(content[:-4] + bytes(4))  # another base under the same name
    with pytest.raises(PipelineError, match="trained on another base"):
        load(made.checkpoint)


@pytest.mark.parametrize("decoder", ["camembert", "roberta"])
def test_a_text_may_be_as_long_as_the_positions_are(tmp_path, decoder):
    base = load_base(make_base(tmp_path, "vit", decoder))
    assert base.positions == 46  # the two before are the padding's and its forerunner's


def test_a_tokenizer_beyond_the_decoder_is_refused(tmp_path):
    with pytest.raises(PipelineError, match="counts up to token 260, and the decoder knows 60"):
        check_base(make_base(tmp_path, vocabulary=60))


@pytest.mark.parametrize("field", ["decoder_start_token_id", "eos_token_id", "pad_token_id"])
@pytest.mark.parametrize("token", [1000, -1])
def test_a_token_that_the_decoder_has_not_is_refused(tmp_path, field, token):
    place = make_base(tmp_path) / "config.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), field: token}))
    with pytest.raises(PipelineError, match=f"{token} shall begin, end or fill up a text"):
        check_base(tmp_path)


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    weights = load_file(make_base(tmp_path) / "model.safetensors")
    weights["encoder.layernorm.weight"].fill_(float("nan"))
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(PipelineError, match="weights are damaged"):
        check_base(tmp_path)


@pytest.mark.parametrize(("layers", "told"), [(1, "fewer layers than the model's file has"), (3, "would be random")])
def test_another_number_of_layers_than_there_are_is_refused(tmp_path, layers, told):
    place = make_base(tmp_path) / "config.json"
    config = json.loads(place.read_text())
    config["decoder"]["num_hidden_layers"] = layers
    place.write_text(json.dumps(config))
    with pytest.raises(PipelineError, match=told):
        check_base(tmp_path)


@pytest.mark.parametrize("change", [{"r": 10**9}, {"r": "x"}, {"lora_alpha": math.nan}, {"peft_type": "PROMPT_TUNING"}])
def test_an_adapter_that_its_configuration_did_not_make_is_refused(tmp_path, jsonl, words, change):
    base = make_base(tmp_path / "base")
    plan = DloraTraining(str(base), str(tmp_path / "out"), max_steps=1)
    checkpoint = train_dlora(plan, [jsonl("train", words[:8])], []).checkpoint
    place = checkpoint / "decoder_lora" / "adapter_config.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), **change}))
    with pytest.raises(PipelineError, match="the adapter's configuration cannot be read") as error:
        load(checkpoint, Loading())
    assert error.value.where == str(place)


def test_a_processor_for_another_size_is_refused(tmp_path):
    with pytest.raises(PipelineError, match="do not fit together"):
        check_base(make_base(tmp_path, size=(48, 96)))


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("do_pad", True, "do_pad"),
        ("do_thumbnail", True, "do_thumbnail"),
        ("do_center_crop", True, "do_center_crop"),
        ("do_flip_channel_order", True, "do_flip_channel_order"),
        ("keep_aspect_ratio", True, "keep_aspect_ratio"),
        ("image_std", [0, 0, 0], "image_std"),
        ("image_mean", "grey", "image_mean"),
        ("resample", None, "resample"),
        ("resample", 99, "resample"),
        ("rescale_factor", "x", "rescale_factor"),
        ("image_mean", float("inf"), "image_mean"),
    ],
)
def test_a_processor_that_does_more_is_refused_by_name(tmp_path, field, value, named):
    place = make_base(tmp_path) / "preprocessor_config.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), field: value}))
    with pytest.raises(PipelineError, match=named):
        check_base(tmp_path)


def test_one_number_for_all_channels_is_one_for_each(tmp_path):
    place = make_base(tmp_path) / "preprocessor_config.json"
    before = load_base(tmp_path).images
    place.write_text(json.dumps({**json.loads(place.read_text()), "image_mean": 0.5, "image_std": [0.5]}))
    assert load_base(tmp_path).images == before
