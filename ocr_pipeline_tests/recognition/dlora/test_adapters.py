import copy
import json
import re

import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    BertConfig,
    DeiTConfig,
    HieraConfig,
    RobertaConfig,
    SwinConfig,
    Swinv2Config,
    TrOCRConfig,
    VisionEncoderDecoderConfig,
    VisionEncoderDecoderModel,
    ViTConfig,
)

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.dlora.adapters import (
    ADAPTERS,
    DECODER,
    ENCODER,
    GradientWatch,
    adapter_parameters,
    add_adapters,
    load_adapters,
    merge_adapters,
    save_adapters,
    target_modules,
)
from ocr_pipeline.recognition.pretraining.network import new_network
from ocr_pipeline.recognition.pretraining.recipe import Architecture

SMALL = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 16}
PIXELS = torch.randn(2, 3, 32, 128, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([[5, 6, 7, 3], [8, 9, 3, -100]])


def logits(model):
    with torch.no_grad():
        return model.eval()(pixel_values=PIXELS, decoder_input_ids=LABELS.clamp(min=0)).logits


def train(model, steps=3):
    """Some steps; returns the adapter parameters as they were before."""
    before = {name: weight.detach().clone() for name, weight in adapter_parameters(model)}
    optimizer = torch.optim.AdamW([weight for _, weight in adapter_parameters(model)], lr=0.01)
    watch = GradientWatch(model)
    model.train()
    for _ in range(steps):
        model(pixel_values=PIXELS, labels=LABELS).loss.backward()
        watch.after_backward()
        optimizer.step()
        optimizer.zero_grad()
    return before


@pytest.fixture
def base(random_model):
    return copy.deepcopy(random_model)


@pytest.fixture
def trained(base):
    torch.manual_seed(1)
    model = add_adapters(base, rank=4, alpha=8, dropout=0.0)
    train(model)
    return model


def test_new_adapters_change_nothing(base):
    expected = logits(base)
    torch.testing.assert_close(logits(add_adapters(base, rank=4, alpha=8, dropout=0.1)), expected, atol=1e-6, rtol=0)


def test_every_parameter_of_both_adapters_learns_and_nothing_else(base):
    frozen = {name: weight.clone() for name, weight in base.state_dict().items()}
    model = add_adapters(base, rank=4, alpha=8, dropout=0.1)
    before = train(model)
    after = dict(adapter_parameters(model))
    assert all(not torch.equal(before[name], after[name]) for name in before)
    # 2 encoder layers x q, k, v x (A, B, magnitude); 1 decoder layer x 2 attentions x q, k, v, output x (A, B)
    assert sum(ENCODER in name for name in before) == 2 * 3 * 3
    assert sum(DECODER in name for name in before) == 2 * 4 * 2
    assert {name for name, weight in model.named_parameters() if weight.requires_grad} == set(before)
    kept = {
        name.replace(".base_layer", "").removeprefix("base_model.model."): w for name, w in model.named_parameters()
    }
    assert all(torch.equal(weight, kept[name]) for name, weight in frozen.items() if name in kept)


def test_dora_is_in_the_encoder_and_nowhere_else(trained):
    magnitudes = [name for name, _ in adapter_parameters(trained) if "magnitude" in name]
    assert len(magnitudes) == 6
    assert all(name.startswith("base_model.model.encoder.") for name in magnitudes)


def test_saved_loaded_and_merged_are_the_same_model(trained, random_model, tmp_path):
    expected = logits(trained)
    assert (expected - logits(random_model)).abs().max() > 0.01
    save_adapters(trained, tmp_path)
    assert all((tmp_path / adapter / "adapter_model.safetensors").is_file() for adapter in ADAPTERS)
    loaded = load_adapters(copy.deepcopy(random_model), tmp_path)
    assert torch.equal(logits(loaded), expected)
    assert not any(weight.requires_grad for weight in loaded.parameters())
    merged = merge_adapters(loaded)
    assert isinstance(merged, VisionEncoderDecoderModel)
    assert not any("lora" in name for name, _ in merged.named_parameters())
    torch.testing.assert_close(logits(merged), expected, atol=1e-5, rtol=0)


def test_training_goes_on_after_loading(trained, random_model, tmp_path):
    save_adapters(trained, tmp_path)
    loaded = load_adapters(copy.deepcopy(random_model), tmp_path, trainable=True)
    train(trained)
    train(loaded)
    for (name, one), (_, other) in zip(adapter_parameters(trained), adapter_parameters(loaded), strict=True):
        assert torch.equal(one, other), name


@pytest.mark.parametrize("binary", [False, True])
def test_adapters_of_transformers_4_are_read(trained, random_model, tmp_path, binary):
    save_adapters(trained, tmp_path)
    folder = tmp_path / ENCODER
    older = {"q_proj": "query", "k_proj": "key", "v_proj": "value"}

    def rename(name):
        name = re.sub(r"encoder\.layers\.(\d+)\.attention\.", r"encoder.encoder.layer.\1.attention.attention.", name)
        return re.sub(r"[qkv]_proj", lambda match: older[match[0]], name)

    state = {rename(name): tensor for name, tensor in load_file(folder / "adapter_model.safetensors").items()}
    config = json.loads((folder / "adapter_config.json").read_text())
    config["target_modules"] = sorted({key.split(".lora_")[0].removeprefix("base_model.model.") for key in state})
    (folder / "adapter_config.json").write_text(json.dumps(config))
    assert any("encoder.encoder.layer.0.attention.attention.query" in name for name in state)
    (folder / "adapter_model.safetensors").unlink()
    if binary:
        torch.save(state, folder / "adapter_model.bin")
    else:
        from safetensors.torch import save_file

        save_file(state, folder / "adapter_model.safetensors")
    assert torch.equal(logits(load_adapters(copy.deepcopy(random_model), tmp_path)), logits(trained))


def test_half_precision_may_take_many_steps_of_a_warm_up(base):
    """B after a step of 1e-8 is nothing in float16, so that A has no gradient yet: no fault of the base."""
    model = add_adapters(base, rank=4, alpha=8, dropout=0.0)
    watch, weights = GradientWatch(model, torch.float16), dict(adapter_parameters(model))
    up = [weight for name, weight in weights.items() if ".lora_B." in name]
    down = [weight for name, weight in weights.items() if ".lora_A." in name]
    for weight in weights.values():
        weight.grad = torch.zeros_like(weight) if any(weight is one for one in down) else torch.ones_like(weight)
    for _ in range(3):
        watch.after_backward()
        with torch.no_grad():
            for weight in up:
                weight.fill_(1e-8)
    with torch.no_grad():
        up[0].fill_(1e-2)
    with pytest.raises(PipelineError, match="1 adapter parameters get no gradient"):
        watch.after_backward()


def test_an_adapter_without_gradient_is_noticed(base):
    model = add_adapters(base, rank=4, alpha=8, dropout=0.0)
    model.set_adapter(ENCODER)  # what PeftModel offers: one adapter only
    with pytest.raises(PipelineError, match="16 adapter parameters get no gradient"):
        train(model)


def test_a_missing_adapter_is_an_error(trained, random_model, tmp_path):
    save_adapters(trained, tmp_path)
    (tmp_path / DECODER / "adapter_model.safetensors").unlink()
    with pytest.raises(PipelineError, match="there is no adapter here"):
        load_adapters(copy.deepcopy(random_model), tmp_path)


def test_adapters_of_another_base_are_refused(trained, tmp_path):
    save_adapters(trained, tmp_path)
    with pytest.raises(PipelineError, match="does not fit"):
        load_adapters(two_halves(ViTConfig, BertConfig), tmp_path)


def two_halves(encoder, decoder, layers=1):
    vision = encoder(image_size=32, patch_size=16, num_hidden_layers=layers, **SMALL)
    common = {"vocab_size": 20, "max_position_embeddings": 16, "is_decoder": True, "add_cross_attention": True}
    if decoder is TrOCRConfig:
        small = {"d_model": 16, "decoder_layers": layers, "decoder_attention_heads": 2, "decoder_ffn_dim": 16}
        text = decoder(**small, cross_attention_hidden_size=16, **common)
    else:
        text = decoder(num_hidden_layers=layers, **SMALL, **common)
    return VisionEncoderDecoderModel(VisionEncoderDecoderConfig.from_encoder_decoder_configs(vision, text))


@pytest.mark.parametrize("encoder", [ViTConfig, DeiTConfig])
@pytest.mark.parametrize("decoder", [BertConfig, RobertaConfig, TrOCRConfig])
def test_targets_of_each_family(encoder, decoder):
    model = two_halves(encoder, decoder, layers=2)
    in_encoder, in_decoder = target_modules(model, ENCODER), target_modules(model, DECODER)
    assert len(in_encoder) == 2 * 3
    assert len(in_decoder) == 2 * 2 * 4
    assert all(name.startswith("encoder.") for name in in_encoder)
    assert all(name.startswith("decoder.") for name in in_decoder)


HALF_AS_SMALL = {"depths": [1, 1], "embed_dim": 8, "num_heads": [1, 2]}
OTHERS = {
    "DPT": (new_network(Architecture(hidden=16, heads=2, encoder_layers=2, decoder_layers=1), 20), 2 * 3, 2 * 6),
    "Swin": (SwinConfig(image_size=32, window_size=2, **HALF_AS_SMALL), 2 * 3, 2 * 6),
    "Swinv2": (Swinv2Config(image_size=32, window_size=2, **HALF_AS_SMALL), 2 * 3, 2 * 6),
    "Hiera": (HieraConfig(image_size=[32, 128], num_query_pool=1, **HALF_AS_SMALL), 2, 2 * 4),
}


@pytest.mark.parametrize("family", OTHERS)
def test_encoders_that_begin_otherwise_have_their_places_too(family):
    model, attention, with_feed_forward = OTHERS[family]
    if not isinstance(model, VisionEncoderDecoderModel):
        model = two_halves(lambda **_: OTHERS[family][0], BertConfig)
    assert len(target_modules(model, ENCODER)) == attention
    everything = target_modules(model, ENCODER, "attention+ffn")
    assert len(everything) == with_feed_forward
    assert set(target_modules(model, ENCODER)) < set(everything)


def test_adapters_of_a_convolutional_base_learn_in_both_halves_and_are_found_again(tmp_path):
    model = new_network(Architecture(hidden=16, heads=2, encoder_layers=2, decoder_layers=1), 20)
    wrapped = add_adapters(model, rank=2, alpha=4, dropout=0.0)
    watch = GradientWatch(wrapped)
    optimizer = torch.optim.SGD([weight for _, weight in adapter_parameters(wrapped)], lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        wrapped(pixel_values=PIXELS, labels=LABELS).loss.backward()
        watch.after_backward()
        optimizer.step()
    before = logits(wrapped)
    save_adapters(wrapped, tmp_path)
    again = copy.deepcopy(wrapped).unload()
    assert not torch.allclose(logits(again), before, atol=1e-5)
    assert torch.allclose(logits(merge_adapters(load_adapters(again, tmp_path))), before, atol=1e-5)


def test_a_model_without_a_place_for_adapters_is_refused():
    with pytest.raises(PipelineError, match="no place for encoder_dora"):
        target_modules(torch.nn.Linear(2, 2), ENCODER)
