from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import Detector, build_network, export_onnx
from ocr_pipeline_tests.fast.conftest import keyed_state


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    network = build_network("narrow")
    network.load_state_dict(keyed_state(network))
    path = tmp_path / "detector.pth"
    torch.save({"state_dict": network.state_dict(), "config": {"variant": "narrow", "short_size": 160}}, path)
    return path


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
