from __future__ import annotations

import pytest
import torch
from torch import nn

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import build_network
from ocr_pipeline.fast.network import VARIANTS, normalise
from ocr_pipeline_tests.fast.conftest import keyed_input, keyed_state, load_arrays, load_json

ROUNDING = 5e-6  # of the largest logit; all but the last 1x1 product was bit-equal where the reference had run


def shapes(network: torch.nn.Module) -> dict[str, list[int]]:
    return {key: list(value.shape) for key, value in network.state_dict().items()}


@pytest.mark.parametrize(
    ("variant", "trained", "deployed"),
    [("tiny", 13_535_808, 8_521_920), ("small", 14_764_608, 9_666_688), ("base", 16_339_648, 10_576_768)],
)
def test_names_and_sizes_are_those_of_the_published_checkpoints(variant, trained, deployed):
    network, expected = build_network(variant), load_json("keys.json")[variant]
    assert list(shapes(network).items()) == list(expected["train"].items())
    assert sum(weight.numel() for weight in network.parameters()) == trained
    network.fuse(kernel_only=True)
    assert list(shapes(network).items()) == list(expected["deploy"].items())
    assert sum(weight.numel() for weight in network.parameters()) == deployed


def in_mode(variant: str, mode: str) -> nn.Module:
    network = build_network(variant)
    network.load_state_dict(keyed_state(network))
    network.train(mode == "train_nodrop")
    if mode == "fused":
        network.eval().fuse()
    return network


@pytest.mark.parametrize("variant", ["tiny", "base"])
@pytest.mark.parametrize("mode", ["eval", "train_nodrop", "fused"])
def test_logits_are_those_of_the_reference(variant, mode):
    """But for rounding: where this processor adds up otherwise than the reference's, double precision tells how far."""
    reference = torch.from_numpy(load_arrays("outputs.npz")[f"{variant}_out_{mode}"])
    with torch.no_grad():
        logits = in_mode(variant, mode)(keyed_input())
        apart, largest = (logits - reference).abs().max(), reference.abs().max()
        if apart > ROUNDING * largest:
            rounding = (in_mode(variant, mode).double()(keyed_input().double()) - logits).abs().max()
            assert apart <= 2 * rounding < 2e-4 * largest


def test_side_branches_at_rest_cost_nothing_and_add_nothing():
    network = build_network("narrow")
    network.load_state_dict(keyed_state(network))
    assert not network.sides_rest
    keys = list(network.state_dict())
    network.rest_sides()
    assert network.sides_rest
    assert list(network.state_dict()) == keys
    network(keyed_input()).sum().backward()
    idle = {name for name, weight in network.named_parameters() if weight.grad is None}
    assert idle == {key for key in idle if ".ver_" in key or ".hor_" in key}
    assert idle
    awake = build_network("narrow")
    awake.load_state_dict(network.state_dict())  # the branches are computed here, and add nothing all the same
    with torch.no_grad():
        assert torch.equal(network.eval()(keyed_input()), awake.eval()(keyed_input()))


def test_fusing_changes_the_narrow_variant_by_rounding_only():
    network = build_network("narrow")
    network.load_state_dict(keyed_state(network))
    network.eval()
    with torch.no_grad():
        before = network(keyed_input())
        after = network.fuse(kernel_only=True)(keyed_input())
    assert after.shape == (2, 1, 16, 24)
    assert (before[:, :1] - after).abs().max() < 1e-4
    assert before[:, :1].abs().max() > 0.1


def test_fusing_twice_changes_nothing():
    network = build_network("narrow").fuse()
    names = list(network.state_dict())
    assert list(network.fuse().state_dict()) == names


def test_there_is_one_demo_variant_and_three_published_ones():
    assert list(VARIANTS) == ["tiny", "small", "base", "narrow"]
    with pytest.raises(PipelineError, match="no such FAST variant"):
        build_network("huge")


def test_pictures_are_normalised_as_imagenet():
    white = normalise(torch.full((1, 3, 1, 1), 255, dtype=torch.uint8))[0, :, 0, 0]
    assert white.tolist() == pytest.approx([2.2489, 2.4286, 2.64], abs=1e-4)
