"""The lean layer against peft's own, weight by weight and gradient by gradient."""

import pytest
import torch
from peft import LoraConfig
from peft.tuners import lora
from torch import nn

from ocr_pipeline.recognition.dlora.adapted_linear import AdaptedLinear


def layers(use_dora, bias=True, dropout=0.0):
    """peft's layer and ours with the same weights, away from their start."""
    torch.manual_seed(0)
    base = nn.Linear(24, 40, bias=bias).requires_grad_(False)
    config = LoraConfig(r=4, lora_alpha=8, lora_dropout=dropout, use_dora=use_dora)
    made = [kind(base, "a", config=config, r=4, lora_alpha=8) for kind in (lora.Linear, AdaptedLinear)]
    state = {name: weight + 0.1 * torch.randn_like(weight) for name, weight in made[0].state_dict().items()}
    state |= base.state_dict(prefix="base_layer.")
    for layer in made:
        layer.load_state_dict(state)
    return made


def results(layer, x):
    """Output, and the gradients of input and adapter."""
    x = x.clone().requires_grad_()
    trained = {name: weight for name, weight in layer.named_parameters() if weight.requires_grad}
    y = layer(x)
    grads = torch.autograd.grad(y.sin().sum(), [x, *trained.values()])
    return dict(zip(["output", "input", *trained], [y, *grads], strict=True))


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("use_dora", [True, False], ids=["DoRA", "LoRA"])
def test_output_and_gradients_are_those_of_peft(use_dora, bias):
    theirs, ours = (results(layer, torch.ones(2, 5, 24).cumsum(1).cos()) for layer in layers(use_dora, bias))
    assert theirs.keys() == ours.keys() and len(ours) == (5 if use_dora else 4)
    for name, expected in theirs.items():
        torch.testing.assert_close(ours[name], expected, atol=2e-6, rtol=2e-6, msg=name)


def test_dropout_is_that_of_peft_on_features_that_all_rows_lose_together():
    theirs, ours = layers(use_dora=False, dropout=0.5)
    x = torch.ones(6, 24).cumsum(1).cos()
    torch.manual_seed(3)
    found = results(ours.train(), x)
    torch.manual_seed(3)
    theirs.lora_dropout["a"] = Times(nn.functional.dropout(torch.ones(1, 24), 0.5))
    expected = results(theirs.train(), x)
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], atol=2e-6, rtol=2e-6, msg=name)


class Times(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


@pytest.mark.parametrize("use_dora", [True, False], ids=["DoRA", "LoRA"])
def test_dropout_takes_its_share_of_every_feature_and_leaves_the_mean(use_dora):
    _, ours = layers(use_dora, dropout=0.2)
    x = torch.eye(24)  # each row is one feature, so that a row tells whether the adapter saw it
    with torch.no_grad():
        whole, frozen = ours.eval()(x), ours.base_layer(x)
        drawn = torch.stack([ours.train()(x) for _ in range(2000)])
    if not use_dora:
        dropped = (drawn - frozen).abs().sum(2) < 1e-5
        assert dropped.float().mean(0).tolist() == pytest.approx([0.2] * 24, abs=0.04)
    torch.testing.assert_close(drawn.mean(0), whole, atol=0.02, rtol=0)
    assert not torch.equal(drawn[0], drawn[1])


def test_dropout_spares_the_frozen_path():
    """With B zero the adapter says nothing, whatever its dropout drops."""
    _, ours = layers(use_dora=True, dropout=0.5)
    ours.lora_B["a"].weight.data.zero_()
    x = torch.randn(3, 24)
    torch.testing.assert_close(ours.train()(x), ours.eval()(x))


def test_the_norm_is_kept_while_reading_and_no_longer():
    theirs, ours = layers(use_dora=True)
    x = torch.ones(2, 24)
    for layer in (theirs, ours):
        with torch.inference_mode():
            layer.eval()(x)
        optimizer = torch.optim.AdamW([w for w in layer.train().parameters() if w.requires_grad], lr=0.01, fused=True)
        layer(x).sum().backward()
        optimizer.step()
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=1e-5)
    with torch.inference_mode():
        torch.testing.assert_close(ours.eval()(x), theirs.eval()(x), atol=1e-5, rtol=1e-5)


def test_autocast_computes_in_half_and_keeps_the_adapter_in_full():
    theirs, ours = layers(use_dora=True)
    with torch.autocast("cpu", torch.bfloat16):
        expected, found = (results(layer, torch.randn(4, 24).sin()) for layer in (theirs, ours))
    assert found["output"].dtype == expected["output"].dtype == torch.bfloat16
    assert all(found[name].dtype == torch.float32 for name in found if "lora" in name)
