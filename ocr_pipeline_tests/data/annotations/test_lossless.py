from __future__ import annotations

import io
import json

import cv2
import msgspec
import numpy as np
import pytest
from PIL import Image

from ocr_pipeline.data.annotations import AnnotationSettings, CropReader, lossless
from ocr_pipeline.data.annotations.crops import Cropper
from ocr_pipeline.data.annotations.lossless import LosslessJpeg
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Page, Word
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.annotations.making import build, quad
from ocr_pipeline_tests.trees import HAND_LABELS, HAND_PICTURES, corner_label, picture, pixels, write_tree

BOX = (37, 21, 90, 52)


def page_jpeg(width=203, height=117, subsampling=0, grey=False) -> bytes:
    image, buffer = Image.fromarray(pixels(width, height)[..., ::-1]), io.BytesIO()
    (image.convert("L") if grey else image).save(buffer, "JPEG", quality=90, subsampling=subsampling)
    return buffer.getvalue()


def decoded(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize("data", [page_jpeg(), page_jpeg(grey=True)], ids=["444", "grey"])
def test_nothing_is_lost(data):
    boxes = [BOX, (0, 0, 203, 117), (200, 110, 203, 117), (8, 16, 9, 17)]
    with LosslessJpeg(data) as jpeg:
        assert (jpeg.width, jpeg.height) == (203, 117)
        found = jpeg.crop(boxes)
    for (crop, (left, top, right, bottom)), box in zip(found, boxes, strict=True):
        assert (left, top) == (box[0] % 8, box[1] % 8)
        whole = decoded(crop)
        assert whole.shape[:2] == (bottom, right)
        assert np.array_equal(whole[top:, left:], decoded(data)[box[1] : box[3], box[0] : box[2]])


@pytest.mark.parametrize("subsampling", [1, 2])
def test_with_fewer_colours_only_the_edge_differs(subsampling):
    data = page_jpeg(subsampling=subsampling)
    with LosslessJpeg(data) as jpeg:
        ((crop, (left, top, right, bottom)),) = jpeg.crop([BOX])
    found = decoded(crop)[top:bottom, left:right].astype(int)
    error = np.abs(found - decoded(data)[BOX[1] : BOX[3], BOX[0] : BOX[2]])
    assert error[2:-2, 2:-2].max() == 0


def test_what_is_no_jpeg_is_refused():
    with pytest.raises(ValueError, match="JPEG"):
        LosslessJpeg(picture(".png"))


def cropper(**settings) -> Cropper:
    return Cropper(AnnotationSettings("lmdb", codec="jpeg-lossless", **settings))


PAGE = Page("handwriting", "train", "a.jpg", 203, 117, "a.json", (Word(0, "가", quad(*BOX)),))


def test_pages_that_are_no_jpeg_or_lie_on_their_side_are_encoded_anew_and_counted():
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.fromarray(pixels(203, 117)).save(buffer, "JPEG", exif=exif)
    upright = msgspec.structs.replace(PAGE, width=117, height=203)
    for data, page, settings in (
        (picture(".png", 203, 117), PAGE, {}),
        (buffer.getvalue(), upright, {"exif": "apply"}),
    ):
        found = cropper(**settings).crop(page, "", "0", lambda data=data: data)
        assert found.counts.notes == {"pages_encoded_anew": 1}
        assert found.crops[0][0].origin.window is None
    assert not cropper().crop(PAGE, "", "0", buffer.getvalue).counts.notes


@pytest.mark.parametrize("form", ["lmdb", "jsonl"])
def test_the_reader_tells_where_the_word_lies(tmp_path, workspace, form):
    data = page_jpeg()
    files = {
        f"{HAND_LABELS}/A/n.json": corner_label("가", "나", width=203, height=117),
        f"{HAND_PICTURES}/A/n.jpg": data,
    }
    build(Share(write_tree(tmp_path / "share", files)), workspace, form, codec="jpeg-lossless")
    reader = CropReader(workspace.annotations("handwriting", "train", form))
    for place, box in enumerate([(2, 4, 18, 14), (20, 4, 36, 14)]):
        crop = reader.read(place)
        word = crop.cut(decoded(crop.image))
        assert np.array_equal(word, decoded(data)[box[1] : box[3], box[0] : box[2]])
    if form == "jsonl":
        line = json.loads(workspace.annotations("handwriting", "train", form).read_text().splitlines()[0])
        assert line["image_info"][0]["window"] == [2, 4, 18, 14]


def test_without_the_library_the_error_names_it(monkeypatch):
    lossless.library.cache_clear()
    monkeypatch.setattr(lossless, "_in_wheel", lambda: None)
    monkeypatch.setattr(lossless.ctypes.util, "find_library", lambda name: None)
    with pytest.raises(PipelineError, match="pip install"):
        cropper()
    lossless.library.cache_clear()
