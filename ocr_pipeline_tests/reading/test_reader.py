from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ocr_pipeline import Reader
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.reading import ReadPage
from ocr_pipeline_tests.reading.conftest import LINES, sheet


def encoded(picture: Image.Image, form: str = "PNG", **how: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **how)
    return buffer.getvalue()


def test_the_shipped_weights_read_a_clean_sheet(shipped):
    page = shipped.read(sheet())
    assert [len(line.words) for line in page.lines] == [len(line.split()) for line in LINES]
    assert sum(word.text in "".join(LINES) for word in page.words) >= 6
    assert all(0 < word.confidence <= 1 for word in page.words)


def test_a_page_is_read_line_by_line_and_word_by_word(reader):
    page = reader.read(sheet())
    assert [len(line.words) for line in page.lines] == [len(line.split()) for line in LINES]
    assert (page.width, page.height) == (640, 400)
    assert page.text.count("\n") >= len(LINES)


def test_path_bytes_picture_and_pixels_are_the_same_page(reader, tmp_path):
    picture, path = sheet(), tmp_path / "page.png"
    picture.save(path)
    rgba = np.dstack([np.asarray(picture), np.full((400, 640), 255, np.uint8)])
    pages = [reader.read(source) for source in (path, str(path), path.read_bytes(), picture, np.asarray(picture), rgba)]
    assert len({(page.text, page.lines) for page in pages}) == 1
    assert pages[0].image == "page.png"


def test_grey_pixels_are_a_page_too_and_transparent_ones_lie_on_white(reader):
    grey = np.asarray(sheet().convert("L"))
    page = reader.read(grey)
    assert page == reader.read(np.dstack([grey] * 3))
    ink = np.dstack([np.zeros((400, 640, 3), np.uint8), 255 - grey])
    assert len(list(reader.read(ink).words)) == len(list(page.words))


@pytest.mark.parametrize(
    "source",
    [3, None, [[1]], np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4), np.uint8)],
)
def test_what_is_no_page_is_told(reader, source):
    with pytest.raises(PipelineError, match="no picture"):
        reader.read(source)


def test_a_picture_that_a_camera_turned_stands_upright(reader):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(sheet().rotate(90, expand=True), "JPEG", exif=exif, quality=95)
    page = reader.read(turned)
    assert (page.width, page.height) == (640, 400)
    assert [len(line.words) for line in page.lines] == [len(line.split()) for line in LINES]


def test_all_pages_of_a_tiff_are_read_one_by_one(reader):
    pages = [sheet((line,), (640, 160)) for line in LINES]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    read = list(reader.read_document(data))
    assert [page.number for page in read] == [1, 2, 3]
    assert [page.text for page in read] == [reader.read(page).text for page in pages]


def test_a_blank_page_has_no_lines(reader):
    assert reader.read(np.full((300, 400, 3), 250, np.uint8)) == ReadPage("", 400, 300)


def test_a_picture_of_pillows_that_is_cut_short_is_told(reader, tmp_path):
    whole = encoded(sheet(), "JPEG")
    with pytest.raises(PipelineError, match="cannot be decoded"):
        reader.read(Image.open(io.BytesIO(whole[: len(whole) // 2])))


def test_a_place_below_the_home_folder_is_found(reader, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    sheet().save(tmp_path / "page.png")
    assert reader.read("~/page.png").image == "page.png"


@pytest.mark.parametrize(("how", "told"), [({"batch_size": 0}, "batch_size 0"), ({"device": "mps"}, "no such device")])
def test_a_setting_that_makes_no_sense_is_told(how, told):
    with pytest.raises(PipelineError, match=told):
        Reader(**how)


def test_champions_that_are_not_there_are_told(tmp_path):
    with pytest.raises(PipelineError, match="fast_champion"):
        Reader.champions(tmp_path)
