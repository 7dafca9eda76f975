"""The same page in every form of labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.judging.labelled import LabelledPages, labelled_at, labelled_partition
from ocr_pipeline.judging.labelled.label_files import labelled_pictures
from ocr_pipeline.judging.labelled.page import spread
from ocr_pipeline.reading import Reader, read_paths
from ocr_pipeline_tests.judging.making import TEXTS, picture, publish_pages, quad, save
from ocr_pipeline_tests.reading.conftest import InkDetector, SizeRecognizer, sheet

SEEN = [(quad(place), text) for place, text in enumerate(TEXTS)] + [(quad(5), "###")]


def corners(number: int) -> dict[str, list[float]]:
    a, b, c, d = quad(number)
    return {"x": [a[0], d[0], b[0], c[0]], "y": [a[1], d[1], b[1], c[1]]}


def write_lines(folder: Path) -> None:
    words = [{"poly": quad(place), "text": text} for place, text in enumerate(TEXTS)] + [{"poly": quad(5)}]
    (folder / "det_labels.jsonl").write_text(json.dumps({"image": "a.png", "words": words}) + "\n")


def write_ppocr(folder: Path) -> None:
    words = [{"transcription": text, "points": quad(place), "difficult": False} for place, text in enumerate(TEXTS)]
    words.append({"transcription": "?", "points": quad(5), "difficult": True})
    (folder / "Label.txt").write_text(f"{folder.name}/a.png\t{json.dumps(words)}\n", encoding="utf-8")
    (folder / "notes.txt").write_text("no labels\n")


def write_aihub(folder: Path) -> None:
    words = [{"data": text, "id": place, **corners(place)} for place, text in enumerate(TEXTS)]
    words.append({"data": "xxx", "id": 5, **corners(5)})
    label = {"Images": {"type": "png", "width": 400, "height": 220}, "bbox": words}
    (folder / "labels").mkdir()
    (folder / "labels" / "a.json").write_text(json.dumps(label))


def write_admin(folder: Path) -> None:
    words = [
        {"annotation.text": text, "annotation.bbox": [*quad(place)[0], 160, 40]}
        for place, text in enumerate([*TEXTS, ""])
    ]
    image = {"image.file.name": "a.png", "image.width": 400, "image.height": 220}
    (folder / "a.json").write_text(json.dumps({"images": [image], "annotations": words}))


def told(pages: LabelledPages, index: int = 0) -> list[tuple[object, str]]:
    return [(word.quad, word.text) for word in pages.read(index).words]


@pytest.mark.parametrize("write", [write_lines, write_ppocr, write_aihub, write_admin])
def test_a_folder_says_the_same_in_every_form(tmp_path: Path, write) -> None:
    folder = tmp_path / "labelled"
    save(folder, picture())
    write(folder)
    pages = labelled_at(folder)
    assert pages.name == "labelled" and len(pages) == 1
    assert [(tuple(map(tuple, corner)), text) for corner, text in told(pages)] == SEEN  # type: ignore[call-overload]
    assert (pages.read(0).pixels == picture()).all()


def test_a_partition_is_its_layout_lmdb_and_so_many_of_its_pages(workspace) -> None:
    path = publish_pages(workspace, "valid", pages=4)
    pages = labelled_partition(source_partition("public_admin_valid"), workspace, most=2)
    assert pages.name == "public_admin_valid"
    assert [pages.read(number).image for number in range(len(pages))] == ["0.png", "2.png"]
    assert told(pages) == SEEN == told(labelled_at(path), 3)


def test_pages_are_spread_evenly() -> None:
    assert spread(10, 3) == [0, 3, 6]
    assert spread(3, 0) == spread(3, 9) == [0, 1, 2]
    assert spread(0, 5) == []


def test_a_label_that_counts_the_turned_picture_is_laid_upon_it(tmp_path: Path) -> None:
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(picture())))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "a.png", exif=exif)
    write_aihub(tmp_path)
    page = labelled_at(tmp_path).read(0)
    assert (page.pixels == picture()).all() and page.words[0].quad == quad(0)


WORD = '{"transcription": "가\u2028나", "points": [[1, 1], [9, 1], [9, 9], [1, 9]]}'
LINE = '{"image": "b.png", "words": [{"text": "가\u2028나", "poly": [[1, 1], [9, 1], [9, 9], [1, 9]]}]}'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("Label.txt", f"\ufeffa.png\t[]\r\nb.png\t[{WORD}]\r\n\r\n"),
        ("a.jsonl", '\ufeff{"image": "a.png", "words": []}\r\n' + LINE + "\n\n"),
    ],
)
def test_lines_of_a_word_processor_and_pages_without_words_are_labels(tmp_path: Path, name: str, content: str) -> None:
    for image in ("a.png", "b.png"):
        Image.fromarray(picture()).save(tmp_path / image)
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    found = labelled_pictures(tmp_path)
    assert [(each.path.name, [word.text for word in each.page.words]) for each in found] == [
        ("a.png", []),
        ("b.png", ["가\u2028나"]),
    ]


def test_what_was_read_is_a_truth_of_two_pictures_of_one_stem(tmp_path: Path) -> None:
    for image in ("a.png", "a.jpg"):
        sheet((image,)).save(tmp_path / image)
    reader = Reader(InkDetector(), SizeRecognizer())
    read_paths(reader, [tmp_path], tmp_path / "read", ["aihub"])
    found = labelled_pictures(tmp_path)
    assert sorted(each.path.name for each in found) == sorted(each.page.image for each in found) == ["a.jpg", "a.png"]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("notes.txt", "hello", "no picture here has labels"),
        ("a.jsonl", '{"image": "a.png", "words": [{"poly": [[0, 0]], "text": "a"}]}', "1 corners"),
        ("a.jsonl", "{", "makes no sense"),
        ("Label.txt", 'a.png\t[{"transcription": 1}]', "makes no sense"),
        ("Label.txt", "a.png\t[]\nnothing", "makes no sense"),
    ],
)
def test_what_is_no_label_is_said(tmp_path: Path, name: str, content: str, what: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(PipelineError, match=what):
        labelled_at(tmp_path)


def test_a_picture_that_is_not_there_is_told_when_it_is_read(tmp_path: Path) -> None:
    write_lines(tmp_path)
    with pytest.raises(PipelineError, match="cannot be opened"):
        labelled_at(tmp_path).read(0)
