from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from click.testing import CliRunner

from ocr_pipeline.cli import cli
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import Detector, build_network, export_onnx, export_weights, load_network, read_config
from ocr_pipeline.models import FAST_KOREAN
from ocr_pipeline_tests.fast.conftest import keyed_state


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    network = build_network("narrow")
    network.load_state_dict(keyed_state(network))
    path = tmp_path / "detector.pth"
    torch.save({"state_dict": network.state_dict(), "config": {"variant": "narrow", "short_size": 160}}, path)
    return path


@pytest.mark.slow
def test_onnx_runtime_computes_what_torch_does(tmp_path: Path, checkpoint):
    metadata = export_onnx(checkpoint, tmp_path / "detector.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "detector.onnx"), providers=["CPUExecutionProvider"])
    detector = Detector(checkpoint, device="cpu")
    random = np.random.default_rng(0)
    for count, height, width in ((1, 160, 224), (3, 64, 96)):
        pictures = random.integers(0, 256, (count, height, width, 3), np.uint8)
        (logits,) = session.run(["kernel_logits"], {"pictures": pictures.transpose(0, 3, 1, 2)})
        assert logits.shape == (count, height // 4, width // 4)
        np.testing.assert_allclose(logits, detector.logits(list(pictures)), atol=1e-4)
    assert session.get_modelmeta().custom_metadata_map == metadata
    assert json.loads(metadata["input.short_size"]) == 160
    assert json.loads(metadata["input.mean"]) == [0.485, 0.456, 0.406]


def test_what_is_not_installed_is_named(tmp_path: Path, checkpoint, monkeypatch):
    monkeypatch.setattr("ocr_pipeline.storage.files.onnx_files.find_spec", lambda name: None)
    with pytest.raises(PipelineError, match=r"onnx, onnxscript.*\[export\]"):
        export_onnx(checkpoint, tmp_path / "detector.onnx")


def lean(tmp_path: Path) -> Path:
    """A detector that was trained without side branches."""
    network = build_network("narrow")
    network.load_state_dict(keyed_state(network))
    network.rest_sides()
    torch.save({"state_dict": network.state_dict(), "config": {"variant": "narrow"}}, tmp_path / "lean.pth")
    return tmp_path / "lean.pth"


def test_a_small_file_computes_the_same_and_leaves_resting_branches_out(tmp_path: Path):
    export_weights(lean(tmp_path), tmp_path / "small.pth", read_config(Path("tiny_736.yaml")))
    before, _ = load_network(lean(tmp_path))
    after, weights = load_network(tmp_path / "small.pth")
    assert not any(".ver_" in key or ".hor_" in key for key in weights.state)
    assert (tmp_path / "small.pth").stat().st_size < 0.4 * lean(tmp_path).stat().st_size
    assert after.sides_rest
    picture = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        one, other = before(picture), after(picture)
    assert (one - other).abs().max() < 5e-3 * one.abs().max()  # half precision
    assert weights.extras["config"]["short_size"] == 736


def test_a_mixture_lies_halfway_between_two_detectors(tmp_path: Path, checkpoint):
    export_weights(lean(tmp_path), tmp_path / "mixed.pth", mixed_with=checkpoint)
    one, other, mixed = (
        load_network(path)[0].state_dict() for path in (tmp_path / "lean.pth", checkpoint, tmp_path / "mixed.pth")
    )
    for name, value in mixed.items():
        torch.testing.assert_close(value.float(), (one[name] + other[name]) / 2, atol=1e-3, rtol=1e-3)


def test_only_detectors_of_one_network_are_mixed_and_only_as_weights(tmp_path: Path, checkpoint):
    with pytest.raises(PipelineError, match="of another network"):
        export_weights(checkpoint, tmp_path / "mixed.pth", mixed_with=FAST_KOREAN)
    options = ["--checkpoint", checkpoint, "--output", tmp_path / "mixed.onnx", "--mixed_with", checkpoint]
    refused = CliRunner().invoke(cli, ["export-fast", *map(str, options)])
    assert refused.exit_code == 2 and "are for a .pth file" in refused.output


def test_branches_that_were_trained_stay_in_the_small_file(tmp_path: Path, checkpoint):
    export_weights(checkpoint, tmp_path / "small.pth")
    _, weights = load_network(tmp_path / "small.pth")
    assert any(".ver_" in key for key in weights.state)
    assert weights.extras["config"]["short_size"] == 160
