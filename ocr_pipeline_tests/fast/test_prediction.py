from __future__ import annotations

import json
import os
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, ImageOps

from ocr_pipeline.data.layout_lmdb import LayoutSettings
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.evaluation import Truth, score_detections
from ocr_pipeline.fast import DetectedWord, Detector, FastPrediction, build_network, predict
from ocr_pipeline.fast.maps.pictures import fit_short_side
from ocr_pipeline.recognition.dlora import DloraTraining
from ocr_pipeline.recognition.settings import FolderReading
from ocr_pipeline.storage.files.orientation import upright
from ocr_pipeline.training.device import chosen_device
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
    settings = FastPrediction(checkpoint=checkpoint, image=(image,), output=tmp_path / "out" / "a.png")
    (page,), errors = predict(settings)
    assert not errors
    assert page.words
    drawn = cv2.imread(str(tmp_path / "out" / "a.png"))
    original = cv2.imread(str(image)) if image.name.isascii() else cv2.imdecode(np.fromfile(image, np.uint8), 1)
    assert drawn.shape == original.shape and (drawn != original).any()
    written = json.loads((tmp_path / "out" / "a.json").read_text())
    assert all([tuple(corner) for corner in word.polygon] == list(word.quad) for word in page.words)  # from top left
    assert written["image"] == "쪽.png" and (written["width"], written["height"]) == (128, 128)
    assert [word["score"] for word in written["words"]] == [word.score for word in page.words]
    assert [[tuple(corner) for corner in word["polygon"]] for word in written["words"]] == [
        w.polygon for w in page.words
    ]


def test_pages_of_a_tiff_that_are_not_looked_at_are_said(tmp_path: Path, checkpoint, image, caplog):
    first, second = (Image.open(BytesIO(draw_page(number)[0])) for number in range(2))
    first.save(tmp_path / "scan.tif", save_all=True, append_images=[second])
    pages, _ = predict(FastPrediction(checkpoint=checkpoint, image=(tmp_path / "scan.tif",), output=tmp_path / "a.png"))
    assert len(pages) == 1 and "scan.tif holds 2 pages; the first alone is taken" in caplog.text


def test_several_pictures_go_into_a_folder(tmp_path: Path, checkpoint, image):
    other = tmp_path / "b.png"
    other.write_bytes(draw_page(1)[0])
    pages, _ = predict(FastPrediction(checkpoint=checkpoint, image=(image, other), output=tmp_path / "out"))
    assert [page.image for page in pages] == ["쪽.png", "b.png"]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"쪽.png.png", "쪽.png.json", "b.png.png", "b.png.json", "쪽.png.txt", "b.png.txt"}


def test_settings_override_the_checkpoint_and_the_configuration_file(tmp_path: Path, checkpoint, image):
    (tmp_path / "c.yaml").write_text("variant: narrow\nshort_size: 128\nmin_score: 0.0\nmin_area: 1000000\n")
    (none,), _ = predict(
        FastPrediction(checkpoint=checkpoint, image=(image,), output=tmp_path / "a.png", config=tmp_path / "c.yaml")
    )
    (some,), _ = predict(
        FastPrediction(
            checkpoint=checkpoint, image=(image,), output=tmp_path / "a.png", config=tmp_path / "c.yaml", min_area=1
        )
    )
    assert not none.words and some.words


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(tmp_path: Path, checkpoint, image):
    broken, absent = tmp_path / "text.jpg", tmp_path / "none.jpg"
    broken.write_text("no picture")
    pages, errors = predict(FastPrediction(checkpoint=checkpoint, image=(broken, image, absent), output=tmp_path / "o"))
    assert [page.image for page in pages] == [image.name]
    assert set(errors) == {str(broken), str(absent)}
    assert "decoded" in errors[str(broken)] and "opened" in errors[str(absent)]


def test_names_that_are_no_text_or_too_long_stop_nobody(tmp_path: Path, checkpoint, image):
    odd, long = os.fsdecode("쪽.png".encode("cp949")), "가" * 83 + ".png"
    folder = tmp_path / "in"
    folder.mkdir()
    for name in (odd, long, "a.png"):
        (folder / name).write_bytes(image.read_bytes())
    pages, errors = predict(FastPrediction(checkpoint=checkpoint, image=(folder,), output=tmp_path / "out"))
    assert [page.image for page in pages] == ["a.png", "\\xc2\\xca.png"]
    assert list(errors) == [str(folder / long)] and "too long" in errors[str(folder / long)]


def test_a_prediction_without_pictures_is_refused(tmp_path: Path, checkpoint):
    (tmp_path / "empty").mkdir()
    with pytest.raises(PipelineError, match="no pictures"):
        predict(FastPrediction(checkpoint=checkpoint, image=(tmp_path / "empty",), output=tmp_path / "o"))
    with pytest.raises(PipelineError, match="no picture given"):
        FastPrediction(checkpoint=checkpoint, image=(), output=tmp_path / "a.png")


def test_cuda_is_refused_where_there_is_none(checkpoint, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(PipelineError, match="no CUDA device"):
        Detector(checkpoint, device="cuda")


@pytest.mark.parametrize(
    ("name", "gpus", "device"),
    [("cpu", 0, "cpu"), ("auto", 0, "cpu"), ("auto", 1, "cuda"), ("gpu", 1, "cuda"), ("cuda:1", 2, "cuda:1")],
)
def test_a_device_is_called_the_same_everywhere(name: str, gpus: int, device: str, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert chosen_device(name) == torch.device(device)
    with pytest.raises(PipelineError, match="no CUDA device"):
        chosen_device(f"gpu:{gpus}")
    with pytest.raises(PipelineError, match="cpu, gpu"):
        chosen_device("tpu")
    for setting in ({"device": name}, {"device": "gpu:1"}):
        assert FastPrediction(image=(Path("a"),), output=Path("b"), **setting)
        assert FolderReading(images_dir=Path("a"), output_csv=Path("b"), **setting)
        assert LayoutSettings(**setting) and DloraTraining("base", "out", **setting)


def test_fusing_for_prediction_changes_no_box(checkpoint):
    detector = Detector(checkpoint, device="cpu")
    whole = build_network("narrow")
    whole.load_state_dict(keyed_state(whole))
    picture = cv2.imdecode(np.frombuffer(draw_page(0)[0], np.uint8), 1)
    fused = detector.detect(picture)
    detector.network = whole.eval()
    assert [box.polygon.tolist() for box in detector.detect(picture)] == [box.polygon.tolist() for box in fused]
    assert len(fused) > 0


def test_bfloat16_finds_the_words_that_float32_finds(checkpoint):
    picture = cv2.imdecode(np.frombuffer(draw_page(0)[0], np.uint8), 1)
    exact, fast = (Detector(checkpoint, device="cpu", precision=name) for name in ("float32", "bfloat16"))
    fitted = fit_short_side(picture, 128)
    expected, found = exact.logits([fitted]), fast.logits([fitted])
    assert found.dtype == np.float32
    assert 0 < np.abs(found - expected).max() < 0.1 * np.abs(expected).max()
    truths = [Truth(box.polygon) for box in exact.detect(picture)]
    score = score_detections([[box.polygon for box in fast.detect(picture)]], [truths])
    assert score.words and score.hmean > 0.8


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
    assert fit_short_side(np.zeros((2, 900, 3), np.uint8), 32, 4096).shape == (32, 4096, 3)


def test_a_folder_in_batches_gives_what_each_picture_gives_alone(tmp_path: Path, checkpoint):
    folder = tmp_path / "pages"
    folder.mkdir()
    for number, size in enumerate((128, 128, 160, 128)):
        (folder / f"{number}.png").write_bytes(draw_page(number, size)[0])
    together, _ = predict(FastPrediction(checkpoint=checkpoint, image=(folder,), output=tmp_path / "o", batch_size=4))
    alone, _ = predict(FastPrediction(checkpoint=checkpoint, image=(folder,), output=tmp_path / "p", batch_size=1))
    assert [page.image for page in together] == ["0.png", "1.png", "2.png", "3.png"]
    for one, other in zip(together, alone, strict=True):
        assert [word.polygon for word in one.words] == [word.polygon for word in other.words] != []


def test_icdar_text_has_a_line_of_eight_numbers_a_word(tmp_path: Path, checkpoint, image):
    (page,), _ = predict(FastPrediction(checkpoint=checkpoint, image=(image,), output=tmp_path / "a.png"))
    lines = (tmp_path / "a.txt").read_text().splitlines()
    assert [tuple(map(int, line.split(","))) for line in lines] == [
        tuple(int(value) for corner in word.quad for value in corner) for word in page.words
    ]


def test_grey_transparent_deep_and_tiny_pictures_are_pages_too(tmp_path: Path, checkpoint):
    grey = cv2.imdecode(np.frombuffer(draw_page(0)[0], np.uint8), cv2.IMREAD_GRAYSCALE)
    forms = {
        "grey.png": grey,
        "clear.png": np.dstack([grey, grey, grey, np.full_like(grey, 255)]),
        "deep.png": grey.astype(np.uint16) * 257,
        "tiny.png": grey[:1, :1],
    }
    for name, pixels in forms.items():
        (tmp_path / name).write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    images = tuple(tmp_path / name for name in forms)
    pages, errors = predict(FastPrediction(checkpoint=checkpoint, image=images, output=tmp_path / "o"))
    assert not errors and (pages[3].width, pages[3].height) == (1, 1)
    assert pages[0].words and pages[0].words == pages[1].words == pages[2].words


@pytest.mark.parametrize("tag", range(1, 9))
def test_a_picture_is_turned_as_its_tag_says(tag):
    pixels = np.random.default_rng(0).integers(0, 255, (16, 32, 3), np.uint8)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = tag
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG", exif=exif)
    with Image.open(file) as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored))
    np.testing.assert_array_equal(upright(pixels, file.getvalue()), expected)


@pytest.mark.parametrize("theirs", ["page.png", "page.json", "page.txt"])
def test_files_of_others_beside_the_output_stay_unless_they_may_go(tmp_path: Path, checkpoint, image, theirs: str):
    (tmp_path / theirs).write_text('{"my": "label"}')
    settings = {"checkpoint": checkpoint, "image": (image,), "output": tmp_path / "page.png"}
    with pytest.raises(PipelineError, match=rf"{theirs}.*--overwrite"):
        predict(FastPrediction(**settings))
    assert (tmp_path / theirs).read_text() == '{"my": "label"}'
    for overwrite in (True, False):  # afterwards they are its own
        predict(FastPrediction(**settings, overwrite=overwrite))


@pytest.mark.parametrize("output", ["쪽.png", "page.json", "page.txt"])
def test_the_picture_that_is_read_and_the_names_beside_are_no_output(tmp_path: Path, checkpoint, image, output: str):
    with pytest.raises(PipelineError, match=r"what is read|cannot have this ending"):
        predict(FastPrediction(checkpoint=checkpoint, image=(image,), output=tmp_path / output, overwrite=True))


def test_a_folder_is_no_picture_to_draw(tmp_path: Path, checkpoint, image):
    with pytest.raises(PipelineError, match="a file is written"):
        predict(FastPrediction(checkpoint=checkpoint, image=(image,), output=tmp_path))


def test_a_folder_that_takes_its_own_drawings_is_read_the_same_again(tmp_path: Path, checkpoint, image):
    folder = tmp_path / "pages"
    folder.mkdir()
    image.rename(folder / "a.png")
    settings = FastPrediction(checkpoint=checkpoint, image=(folder,), output=folder)
    first, again = predict(settings), predict(settings)
    assert first == again
    assert {path.name for path in folder.iterdir()} == {"a.png", "a.png.png", "a.png.json", "a.png.txt"}
