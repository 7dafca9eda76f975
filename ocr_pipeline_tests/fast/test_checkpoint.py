from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import build_network, load_network, load_weights, read_weights
from ocr_pipeline_tests.fast.conftest import keyed_input, keyed_state, load_arrays


def prefixed(state: dict, prefix: str) -> dict:
    return {prefix + key: value for key, value in state.items()}


@pytest.fixture
def narrow():
    network = build_network("narrow")
    network.load_state_dict(keyed_state(network))
    return network.eval()


def test_a_published_training_file_gives_the_reference_logits_of_its_averaged_weights(tmp_path: Path):
    network, expected = build_network("tiny"), load_arrays("outputs.npz")
    state, averaged = prefixed(keyed_state(network), "module."), prefixed(keyed_state(network, salt=1), "module.")
    whole = {"epoch": 3, "iter": 7, "state_dict": state, "optimizer": {"state": {}}, "ema": averaged}
    without_average = {key: value for key, value in whole.items() if key != "ema"}
    for content, name, layout in (
        (whole, "ema_salt1", "release"),
        (without_average, "state_dict_salt0", "training"),
    ):
        path = tmp_path / "checkpoint.pth.tar"
        torch.save(content, path)
        loaded, weights = load_network(path)
        assert (weights.layout, weights.variant, weights.extras["epoch"]) == (layout, "tiny", 3)
        with torch.no_grad():
            difference = loaded(keyed_input()) - torch.from_numpy(expected[f"layout_{name}"])
        assert difference.abs().max() < 2e-5


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod."])
@pytest.mark.parametrize(("wrapper", "layout"), [("ema", "release"), ("state_dict", "training"), (None, "bare")])
def test_all_layouts_and_prefixes_load_all_weights(tmp_path: Path, narrow, prefix, wrapper, layout):
    state = prefixed(narrow.state_dict(), prefix)
    torch.save({wrapper: state} if wrapper else state, tmp_path / "a.pth")
    weights = read_weights(tmp_path / "a.pth")
    fresh = build_network("narrow")
    assert (weights.layout, weights.variant) == (layout, "narrow")
    assert load_weights(fresh, weights) == len(narrow.state_dict())
    assert all(torch.equal(value, narrow.state_dict()[key]) for key, value in fresh.state_dict().items())


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_deploy_file_loads_into_a_fused_network(tmp_path: Path, narrow, suffix):
    with torch.no_grad():
        expected = narrow.fuse(kernel_only=True)(keyed_input())
    path = tmp_path / f"deploy{suffix}"
    if suffix == ".pth":
        torch.save(narrow.state_dict(), path)
    else:
        save_file(narrow.state_dict(), path)
    loaded, weights = load_network(path)
    assert weights.layout == "deploy"
    with torch.no_grad():
        assert torch.equal(loaded(keyed_input()), expected)


def test_an_imagenet_file_fills_the_backbone_alone(tmp_path: Path, narrow):
    state = {key.removeprefix("backbone."): value for key, value in narrow.state_dict().items() if "backbone" in key}
    extra = {"conv_head.0.weight": torch.zeros(1), "head.bias": torch.zeros(1)}
    torch.save({"model": state | extra}, tmp_path / "in1k.pth")
    weights = read_weights(tmp_path / "in1k.pth")
    fresh = build_network("narrow")
    head = fresh.det_head.final.conv.weight.clone()
    assert load_weights(fresh, weights) == len(state)
    assert set(weights.ignored) == set(extra)
    assert torch.equal(fresh.backbone.first_conv.conv.weight, narrow.backbone.first_conv.conv.weight)
    assert torch.equal(fresh.det_head.final.conv.weight, head)
    with pytest.raises(PipelineError, match="backbone only"):
        load_network(tmp_path / "in1k.pth")


def test_a_missing_or_further_weight_is_refused_and_nothing_changes(tmp_path: Path, narrow):
    for change in ("missing", "further"):
        state = dict(narrow.state_dict())
        if change == "missing":
            del state["det_head.conv.main_bn.bias"]
        else:
            state["det_head.extra"] = torch.zeros(1)
        torch.save({"ema": state}, tmp_path / "a.pth")
        fresh = build_network("narrow")
        before = {key: value.clone() for key, value in fresh.state_dict().items()}
        with pytest.raises(PipelineError, match="do not fit FAST narrow"):
            load_weights(fresh, read_weights(tmp_path / "a.pth"))
        assert all(torch.equal(value, before[key]) for key, value in fresh.state_dict().items())


def test_another_variant_is_refused_by_name(tmp_path: Path, narrow):
    torch.save({"ema": narrow.state_dict()}, tmp_path / "a.pth")
    with pytest.raises(PipelineError, match=r"do not fit FAST tiny.*holds FAST narrow"):
        load_weights(build_network("tiny"), read_weights(tmp_path / "a.pth"))


class Payload:
    def __reduce__(self):
        return (Path.touch, (Path("ran"),))


def test_foreign_files_are_refused_and_never_run(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {"conv1.weight": torch.zeros(1)}}, tmp_path / "resnet.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save({"epoch": 1}, tmp_path / "empty.pth")
    torch.save({"state_dict": Payload()}, tmp_path / "payload.pth")
    (tmp_path / "text.pth").write_text("not a checkpoint")
    (tmp_path / "text.safetensors").write_text("not a checkpoint")
    for name in ("resnet.pth", "list.pth", "empty.pth", "payload.pth", "text.pth", "text.safetensors", "none.pth"):
        with pytest.raises(PipelineError, match=name):
            read_weights(tmp_path / name)
    assert not (tmp_path / "ran").exists()
