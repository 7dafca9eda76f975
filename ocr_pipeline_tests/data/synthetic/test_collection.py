from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocr_pipeline.data.synthetic import DRAWN_PARTITIONS, write_collection
from ocr_pipeline.data.synthetic.share import PageSize, make_sheet
from ocr_pipeline.errors import PipelineError
from ocr_pipeline_tests.data.synthetic.conftest import SMALL, contents

FOLDERS = {
    "public_admin_train": ("공공행정문서 OCR/Training/[라벨]train/", "공공행정문서 OCR/Training/[원천]train"),
    "public_admin_train_partly": (
        "공공행정문서 OCR/Training/[라벨]train_partly_labling/",
        "공공행정문서 OCR/Training/[원천]train_partly_labeling_01/",
    ),
    "public_admin_valid": ("공공행정문서 OCR/Validation/[라벨]", "공공행정문서 OCR/Validation/[원천]"),
    "ocr_public_train": ("023.OCR 데이터(공공)/01-1.정식개방데이터/Training/02.라벨링데이터/TL_OCR(public)_", "023."),
    "ocr_public_valid": ("023.OCR 데이터(공공)/01-1.정식개방데이터/Validation/02.라벨링데이터/VL_OCR(public)_", "023."),
    "finance_logistics_train": (
        "025.OCR 데이터(금융 및 물류)/01-1.정식개방데이터/Training/02.라벨링데이터/TL_",
        "025.",
    ),
    "finance_logistics_valid": (
        "025.OCR 데이터(금융 및 물류)/01-1.정식개방데이터/Validation/02.라벨링데이터/VL_",
        "025.",
    ),
    "handwriting_train": ("053.대용량 손글씨 OCR 데이터/01.데이터/1.Training/라벨링데이터/TL/라벨/HW-OCR/", "053."),
    "handwriting_valid": ("053.대용량 손글씨 OCR 데이터/01.데이터/2.Validation/라벨링데이터/VL/HW-OCR/", "053."),
}


def read_picture(path: Path) -> np.ndarray:
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return pixels


def boxes(label: dict) -> list[tuple[int, int, int, int]]:
    """Boxes of any of the forms as (x0, y0, x1, y1)."""
    found = []
    for record in label.get("annotations") or label.get("Bbox") or label["bbox"]:
        if "x" in record:
            found.append((min(record["x"]), min(record["y"]), max(record["x"]), max(record["y"])))
        else:
            x, y, width, height = record.get("annotation.bbox") or record["bbox"]
            found.append((x, y, x + width, y + height))
    return found


@pytest.mark.parametrize("partition", DRAWN_PARTITIONS)
def test_pages_stand_where_the_share_keeps_them(collection, partition):
    sheets = [make_sheet(partition, index, 0, PageSize(SMALL, (160, 120))) for index in range(2)]
    for sheet in sheets:
        assert (collection.root / sheet.picture_path).read_bytes() == sheet.picture
        assert (collection.root / sheet.label_path).is_file()
        for path, start in zip((sheet.label_path, sheet.picture_path), FOLDERS.get(partition, ()), strict=False):
            assert path.startswith(start)
    assert collection.words[partition] > 0


def test_every_picture_has_its_label_and_every_word_its_ink(collection):
    documents = [path for path in collection.root.rglob("*.json") if path.name != "textinthewild_data_info.json"]
    pictures = {path.stem: path for path in collection.root.rglob("*") if path.suffix in (".jpg", ".png")}
    pages = sum(collection.pages.values())
    assert len(documents) + collection.pages["text_in_wild"] == len(pictures) == pages
    words = 0
    for path in documents:
        pixels, label = read_picture(pictures[path.stem]), json.loads(path.read_text("utf-8"))
        height, width = pixels.shape[:2]
        assert (width, height) == SMALL
        for x0, y0, x1, y1 in boxes(label):
            assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
            assert np.ptp(pixels[y0:y1, x0:x1]) > 60
            words += 1
    assert words == sum(collection.words.values()) - collection.words["text_in_wild"]


def test_default_pages_are_full_of_words():
    size = PageSize((512, 704), (512, 384))
    for partition in DRAWN_PARTITIONS:
        sheets = [make_sheet(partition, index, 1, size) for index in range(4)]
        assert all(4 <= sheet.words <= 45 for sheet in sheets)
        if partition != "text_in_wild":
            heights = [y1 - y0 for sheet in sheets for _, y0, _, y1 in boxes(sheet.label)]
            assert 18 <= np.median(heights) <= 36


def test_the_same_arguments_give_the_same_bytes(collection, tmp_path):
    again = write_collection(tmp_path, pages=4, page_size=SMALL)
    assert contents(tmp_path) == contents(collection.root)
    assert (again.pages, again.words) == (collection.pages, collection.words)


def test_another_seed_gives_other_pages(collection, tmp_path):
    write_collection(tmp_path, pages={"handwriting_valid": 1}, seed=1, page_size=SMALL)
    (path,) = tmp_path.rglob("*.png")
    assert path.read_bytes() != (collection.root / path.relative_to(tmp_path)).read_bytes()


def test_more_pages_leave_the_earlier_ones_untouched(tmp_path):
    write_collection(tmp_path, pages={"handwriting_train": 1, "finance_logistics_valid": 1}, page_size=SMALL)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*") if path.is_file()}
    write_collection(tmp_path, pages={"handwriting_train": 2, "finance_logistics_valid": 2}, page_size=SMALL)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(list(tmp_path.rglob("*.json"))) == 4


def test_names_in_nfd(tmp_path):
    composed, decomposed = tmp_path / "nfc", tmp_path / "nfd"
    pages = dict.fromkeys(DRAWN_PARTITIONS, 1)
    write_collection(composed, pages=pages, page_size=SMALL)
    write_collection(decomposed, pages=pages, page_size=SMALL, nfd=True)
    names = [str(path.relative_to(decomposed)) for path in decomposed.rglob("*")]
    assert all(unicodedata.is_normalized("NFD", name) for name in names)
    assert any(not unicodedata.is_normalized("NFC", name) for name in names)
    renamed = {unicodedata.normalize("NFC", name): content for name, content in contents(decomposed).items()}
    assert renamed == contents(composed)


def test_no_name_stands_in_two_partitions(collection):
    names = [path.name for path in collection.root.rglob("*") if path.suffix in (".jpg", ".png")]
    assert len(set(names)) == len(names)


def test_valid_partitions_get_a_quarter(tmp_path):
    pages = write_collection(tmp_path, pages=1, page_size=SMALL).pages
    assert set(pages.values()) == {1}
    pages = write_collection(tmp_path, pages={"ocr_public_valid": 1}, page_size=SMALL).pages
    assert sum(pages.values()) == 1


@pytest.mark.parametrize(
    "settings",
    [{"pages": {"textocr_train": 1}}, {"pages": 10**6}, {"pages": -1}, {"pages": 1, "page_size": (60, 80)}],
)
def test_impossible_requests_are_refused(tmp_path, settings):
    with pytest.raises(PipelineError):
        write_collection(tmp_path, **settings)
    assert not list(tmp_path.iterdir())
