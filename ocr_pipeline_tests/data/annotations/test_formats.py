from __future__ import annotations

import json
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest

from ocr_pipeline.data.annotations.encoding import EXTENSIONS
from ocr_pipeline.data.annotations.files import remove_others
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.annotations.making import build, expected_crops, read_lmdb
from ocr_pipeline_tests.trees import HAND_LABELS, HAND_PICTURES, corner_label, hand_tree, picture, write_tree


def test_the_lmdb_counts_from_one_and_holds_the_words_in_order(tmp_path, workspace):
    share = Share(write_tree(tmp_path / "share", hand_tree(3, folders=2)))
    (manifest,) = build(share, workspace, "lmdb")
    path = workspace.annotations("handwriting", "train", "lmdb")
    assert path.name == "handwriting_annotations_train.lmdb"
    content = read_lmdb(path)
    expected = expected_crops(share, workspace)
    assert len(expected) == 6 == manifest.counts.words_out
    for number, (text, crop) in enumerate(expected, start=1):
        assert content[f"label-{number:09d}"].decode() == text
        assert content[f"image-{number:09d}"] == crop
    assert content["num-samples"] == b"6"
    assert len(content) == 3 * 6 + 1
    assert json.loads(content["meta-000000002"]) == {
        "source": f"{HAND_LABELS}/R.Free0/IMG_OCR_53_4PR_00000.json",
        "image": "IMG_OCR_53_4PR_00000.png",
        "word": 1,
        "box": [20, 4, 36, 14],
    }


def test_the_jsonl_names_the_crops_in_order(tmp_path, workspace):
    share = Share(write_tree(tmp_path / "share", hand_tree(3, folders=2)))
    build(share, workspace, "jsonl")
    path = workspace.annotations("handwriting", "train", "jsonl")
    assert path.name == "handwriting_annotations_train.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line, (text, crop) in zip(lines, expected_crops(share, workspace), strict=True):
        url = line["image_info"][0]["image_url"]
        assert line == {
            "image_info": [{"matched_text_index": 0, "image_url": url}],
            "text_info": [{"text": "OCR:", "tag": "mask"}, {"text": text, "tag": "no_mask"}],
        }
        assert Path(url).read_bytes() == crop
        assert url.startswith(str(workspace.crops("handwriting", "train")))
    assert "가나" in path.read_text(encoding="utf-8")


def test_a_relative_workspace_names_crops_that_any_program_finds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(Path("out"))
    build(Share(write_tree(tmp_path / "share", hand_tree(1))), workspace, "jsonl")
    line = workspace.annotations("handwriting", "train", "jsonl").read_text().splitlines()[0]
    monkeypatch.chdir("/")
    assert Path(json.loads(line)["image_info"][0]["image_url"]).is_file()


# -- how the trainers of the field read an LMDB, in as few lines as their key logic takes ----------------------------


def as_deep_text_recognition_benchmark(transaction) -> list[tuple[str, bytes]]:
    count = int(transaction.get(b"num-samples"))
    samples = []
    for index in range(count):
        index += 1  # counts from 1
        label = transaction.get(b"label-%09d" % index).decode("utf-8")
        samples.append((label, transaction.get(b"image-%09d" % index)))
    return samples


def as_parseq(transaction) -> list[tuple[str, bytes]]:
    count = int(transaction.get(b"num-samples"))
    labels = [transaction.get(f"label-{index + 1:09d}".encode()).decode() for index in range(count)]
    return [(label, transaction.get(f"image-{index + 1:09d}".encode())) for index, label in enumerate(labels)]


def as_paddleocr(transaction) -> list[tuple[str, bytes]]:
    order = np.arange(1, int(transaction.get(b"num-samples")) + 1)
    keys = [(b"label-%09d" % number, b"image-%09d" % number) for number in order]
    return [(transaction.get(label).decode("utf-8"), transaction.get(image)) for label, image in keys]


def as_mmocr(transaction) -> list[tuple[str, bytes]]:
    samples = []
    for number in range(1, int(transaction.get(b"num-samples")) + 1):
        picture_key, label_key = f"image-{number:09d}", f"label-{number:09d}"
        text = transaction.get(label_key.encode("utf-8")).decode("utf-8")
        samples.append((text, transaction.get(picture_key.encode("utf-8"))))
    return samples


@pytest.mark.parametrize("read", [as_deep_text_recognition_benchmark, as_parseq, as_paddleocr, as_mmocr])
def test_trainers_of_the_field_read_the_lmdb(tmp_path, workspace, read):
    share = Share(write_tree(tmp_path / "share", hand_tree(3)))
    build(share, workspace, "lmdb")
    folder = str(workspace.annotations("handwriting", "train", "lmdb"))
    options = {"max_readers": 32, "readonly": True, "lock": False, "readahead": False, "meminit": False}
    with lmdb.open(folder, **options) as environment, environment.begin(write=False) as transaction:
        samples = read(transaction)
    assert samples == expected_crops(share, workspace)
    assert all(cv2.imdecode(np.frombuffer(crop, np.uint8), 1).shape == (10, 16, 3) for _, crop in samples)


def test_crops_of_earlier_labels_are_removed(tmp_path, workspace):
    root = write_tree(tmp_path / "share", hand_tree(2))
    build(Share(root), workspace, "jsonl")
    write_tree(root, {f"{HAND_LABELS}/R.Free0/IMG_OCR_53_4PR_00001.json": corner_label("새")})
    build(Share(root), workspace, "jsonl", accept_loss=True)
    lines = workspace.annotations("handwriting", "train", "jsonl").read_text().splitlines()
    named = {json.loads(line)["image_info"][0]["image_url"] for line in lines}
    assert {str(path) for path in workspace.crops("handwriting", "train").rglob("*.jpg")} == named
    assert len(named) == 3


def test_crops_of_every_codec_are_removed_when_no_jsonl_names_them(tmp_path, monkeypatch):
    monkeypatch.setitem(EXTENSIONS, "bmp", ".bmp")  # what somebody adds who adds a codec
    ours = [tmp_path / "TS" / f"a.b_000001_0123456789{ending}" for ending in EXTENSIONS.values()]
    theirs = [tmp_path / "TS" / name for name in ("a_000001_0123456789.txt", "a_000001.bmp", "a_000001_0123456789")]
    ours[0].parent.mkdir()
    for path in (*ours, *theirs):
        path.touch()
    remove_others(tmp_path, np.array([hash("TS/" + ours[0].name)], np.int64))
    assert sorted((tmp_path / "TS").iterdir()) == sorted([ours[0], *theirs])


def test_two_labels_of_one_picture_do_not_share_a_crop(tmp_path, workspace):
    first, second = corner_label("가"), corner_label("나")
    second["bbox"][0].update(x=[30, 30, 50, 50], y=[20, 35, 20, 35])
    files = {f"{HAND_LABELS}/A/n.json": first, f"{HAND_LABELS}/B/n.json": second, f"{HAND_PICTURES}/n.png": picture()}
    share = Share(write_tree(tmp_path / "share", files))
    build(share, workspace, "jsonl")
    lines = workspace.annotations("handwriting", "train", "jsonl").read_text().splitlines()
    crops = [Path(json.loads(line)["image_info"][0]["image_url"]).read_bytes() for line in lines]
    assert crops == [crop for _, crop in expected_crops(share, workspace)]
