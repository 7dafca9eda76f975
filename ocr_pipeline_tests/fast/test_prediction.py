from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import DetectedWord, Detector, FastPrediction, build_network, predict
from ocr_pipeline.fast.pictures import fit_short_side
from ocr_pipeline_tests.fast.conftest import draw_page, keyed_state


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """An untrained network whose weights are known to find something in the drawn pages."""
    network = build_network("narrow")
    network.load_state_dict(keyed_state(network))
    path = tmp_path / "detector.pth"
    config = {"variant": "narrow", "short_size": 128, "min_score": 0.0, "min_area": 1}
    torch.save({"state_dict": network.state_dict(), "config": config}, path)
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "쪽.png"
    path.write_bytes(draw_page(0)[0])
    return path


def test_one_picture_is_drawn_and_written_as_json(tmp_path: Path, checkpoint, image):
    (page,) = predict(FastPrediction(checkpoint=checkpoint, image=(image,), output=tmp_path / "out" / "a.png"))
    assert page.words
    drawn = cv2.imread(str(tmp_path / "out" / "a.png"))
    original = cv2.imread(str(image)) if image.name.isascii() else cv2.imdecode(np.fromfile(image, np.uint8), 1)
    assert drawn.shape == original.shape and (drawn != original).any()
    written = json.loads((tmp_path / "out" / "a.json").read_text())
    assert written["image"] == "쪽.png" and (written["width"], written["height"]) == (128, 128)
    assert [word["score"] for word in written["words"]] == [word.score for word in page.words]
    assert [[tuple(corner) for corner in word["polygon"]] for word in written["words"]] == [
        w.polygon for w in page.words
    ]


def test_several_pictures_go_into_a_folder(tmp_path: Path, checkpoint, image):
    other = tmp_path / "b.png"
    other.write_bytes(draw_page(1)[0])
    pages = predict(FastPrediction(checkpoint=checkpoint, image=(image, other), output=tmp_path / "out"))
    assert [page.image for page in pages] == ["쪽.png", "b.png"]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"쪽.png.png", "쪽.png.json", "b.png.png", "b.png.json"}


def test_settings_override_the_checkpoint_and_the_configuration_file(tmp_path: Path, checkpoint, image):
    (tmp_path / "c.yaml").write_text("variant: narrow\nshort_size: 128\nmin_score: 0.0\nmin_area: 1000000\n")
    (none,) = predict(
        FastPrediction(checkpoint=checkpoint, image=(image,), output=tmp_path / "a.png", config=tmp_path / "c.yaml")
    )
    (some,) = predict(
        FastPrediction(
            checkpoint=checkpoint, image=(image,), output=tmp_path / "a.png", config=tmp_path / "c.yaml", min_area=1
        )
    )
    assert not none.words and some.words


def test_what_cannot_be_read_is_named(tmp_path: Path, checkpoint):
    (tmp_path / "text.jpg").write_text("no picture")
    for name in ("text.jpg", "none.jpg"):
        with pytest.raises(PipelineError, match=name):
            predict(FastPrediction(checkpoint=checkpoint, image=(tmp_path / name,), output=tmp_path / "a.png"))
    with pytest.raises(PipelineError, match="no picture given"):
        FastPrediction(checkpoint=checkpoint, image=(), output=tmp_path / "a.png")


def test_cuda_is_refused_where_there_is_none(checkpoint, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(PipelineError, match="no CUDA device"):
        Detector(checkpoint, device="cuda")


def test_fusing_for_prediction_changes_no_box(checkpoint):
    detector = Detector(checkpoint, device="cpu")
    whole = build_network("narrow")
    whole.load_state_dict(keyed_state(whole))
    picture = cv2.imdecode(np.frombuffer(draw_page(0)[0], np.uint8), 1)
    fused = detector.detect(picture)
    detector.network = whole.eval()
    assert [box.polygon.tolist() for box in detector.detect(picture)] == [box.polygon.tolist() for box in fused]
    assert len(fused) > 0


def test_a_quad_starts_top_left_and_runs_clockwise():
    level = [(0, 0), (10, 0), (10, 4), (0, 4)]
    for start in range(4):
        turned = level[start:] + level[:start]
        assert DetectedWord(turned, 1.0).quad == ((0, 0), (10, 0), (10, 4), (0, 4))
        assert DetectedWord(turned[::-1], 1.0).quad == ((0, 0), (10, 0), (10, 4), (0, 4))


def test_an_outline_has_a_quad_too():
    outline = [(0, 0), (5, 0), (10, 0), (10, 4), (5, 4), (0, 4)]
    assert np.allclose(DetectedWord(outline, 1.0).quad, ((0, 0), (10, 0), (10, 4), (0, 4)), atol=1e-4)


def test_pictures_are_fitted_to_multiples_of_32():
    assert fit_short_side(np.zeros((100, 150, 3), np.uint8), 64).shape == (64, 96, 3)
    assert fit_short_side(np.zeros((300, 200, 3), np.uint8), 65).shape == (128, 96, 3)
    assert fit_short_side(np.zeros((2, 900, 3), np.uint8), 32).shape == (32, 14400, 3)
