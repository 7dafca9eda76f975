from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import TextNetBackbone, TextNetConfig

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


def textnet_name(key: str) -> str:
    """Our backbone's names as transformers spells them."""
    names = {"first_conv.conv": "stem.conv", "first_conv.bn": "stem.batch_norm"}
    branches = {
        "main_bn": "main_batch_norm",
        "ver_conv": "vertical_conv",
        "ver_bn": "vertical_batch_norm",
        "hor_conv": "horizontal_conv",
        "hor_bn": "horizontal_batch_norm",
    }
    for ours, theirs in names.items():
        key = key.replace(ours, theirs)
    parts = key.split(".")
    if parts[0].startswith("stage"):
        stage = int(parts[0].removeprefix("stage")) - 1
        return ".".join(["encoder.stages", str(stage), "stage", parts[1], branches.get(parts[2], parts[2]), *parts[3:]])
    return key


def test_the_textnet_names_are_those_of_transformers():
    config = TextNetConfig(
        conv_layer_kernel_sizes=[[[3, 3]] * 2, [[3, 3], [1, 3]], [[3, 3], [1, 3]], [[3, 3], [1, 3]]],
        conv_layer_strides=[[1, 2], [2, 1], [2, 1], [2, 1]],
        hidden_sizes=[16, 16, 32, 48, 64],
        stem_num_channels=3,
        stem_out_channels=16,
    )
    theirs = TextNetBackbone(config).state_dict()
    ours = build_network("narrow").backbone.state_dict()
    assert {textnet_name(key): value.shape for key, value in ours.items()} == {
        key.removeprefix("textnet."): value.shape for key, value in theirs.items()
    }


@pytest.mark.parametrize("prefix", ["", "textnet."])
def test_a_textnet_file_fills_the_backbone_alone(tmp_path: Path, narrow, prefix):
    backbone = narrow.backbone.state_dict()
    save_file(
        {prefix + textnet_name(key): value.contiguous() for key, value in backbone.items()}, tmp_path / "a.safetensors"
    )
    weights = read_weights(tmp_path / "a.safetensors")
    fresh = build_network("narrow")
    assert (weights.layout, weights.variant) == ("textnet", "narrow")
    assert load_weights(fresh, weights) == len(backbone)
    assert all(torch.equal(value, fresh.backbone.state_dict()[key]) for key, value in backbone.items())


def doctr_name(key: str) -> str:
    part, _, rest = key.partition(".")
    rest = rest.replace("main_conv", "conv").replace("main_bn", "bn")
    if part == "backbone":
        stage, _, rest = rest.partition(".")
        if stage == "first_conv":
            return "feat_extractor." + rest.replace("conv.", "0.").replace("bn.", "1.")
        return f"feat_extractor.{int(stage.removeprefix('stage')) + 2}.{rest}"
    if part == "neck":
        layer, _, rest = rest.partition(".")
        return f"neck.reduction.{int(layer.removeprefix('reduce_layer')) - 1}.{rest}"
    return "prob_head.2.weight" if rest == "final.conv.weight" else "prob_head.0." + rest.removeprefix("conv.")


def test_a_doctr_file_loads_as_a_detector_of_one_map(tmp_path: Path):
    network = build_network("narrow", outputs=1)
    network.load_state_dict(keyed_state(network))
    state = network.state_dict()
    torch.save({doctr_name(key): value for key, value in state.items()}, tmp_path / "doctr.pt")
    loaded, weights = load_network(tmp_path / "doctr.pt")
    assert (weights.layout, weights.variant, len(weights.state)) == ("doctr", "narrow", len(state))
    with torch.no_grad():
        assert torch.equal(loaded(keyed_input()), network.eval()(keyed_input()))
