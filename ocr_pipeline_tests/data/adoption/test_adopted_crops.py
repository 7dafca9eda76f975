"""Crops of earlier work, LMDB and JSONL: rewritten from one, and what cannot be used is told."""

import json
import unicodedata

import pytest

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline_tests.data.adoption.making import (
    only,
    reasons,
    write_jsonl,
    write_lmdb,
)
from ocr_pipeline_tests.trees import picture

JPEG = picture(".jpg")


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("keys", [("image", "label"), ("wimg", "wlab")])
def test_lmdbs_are_rewritten_from_one(tmp_path, workspace, first, keys):
    pictures = [picture(".jpg", seed=number) for number in range(600)]
    samples = [(data, f"글{number}".encode()) for number, data in enumerate(pictures)]
    write_lmdb(tmp_path / "old.d/handwriting_annotations_train.lmdb", samples, first=first, keys=keys)
    outcome = only(tmp_path / "old.d", workspace)
    assert (outcome.state, outcome.counts.words_out) == ("adopted", 600)
    reader = CropReader(workspace.annotations("handwriting", "train", "lmdb"))
    assert [reader.read(place)[:2] for place in range(600)] == [
        (data, f"글{number}") for number, data in enumerate(pictures)
    ]
    assert "handwriting_annotations_train.lmdb#" in reader.read(0).source


def test_samples_that_cannot_be_used_are_set_aside_with_the_reason(tmp_path, workspace):
    samples = [
        (JPEG, "가".encode()),
        (None, "나".encode()),
        (JPEG, None),
        (JPEG[:100], "다".encode()),
        (JPEG, b"\xb0\xa1"),
        (JPEG, b"###"),
        (JPEG, b" "),
        (JPEG, unicodedata.normalize("NFD", " 한글 ").encode()),
    ]
    write_lmdb(tmp_path / "old/handwriting_annotations_train.lmdb", samples)
    counts = only(tmp_path / "old", workspace).counts
    assert (counts.words_in, counts.words_out, counts.add_up) == (8, 2, True)
    name = "handwriting_annotations_train.lmdb"
    assert reasons(workspace, "lmdb") == {
        f"{name}#1": "sample_missing",
        f"{name}#2": "sample_missing",
        f"{name}#3": "image_unreadable",
        f"{name}#4": "label_unreadable",
        f"{name}#5": "word_ignored",
        f"{name}#6": "word_ignored",
    }
    reader = CropReader(workspace.annotations("handwriting", "train", "lmdb"))
    assert [reader.text(place) for place in range(len(reader))] == ["가", "한글"]
    assert json.loads(reader.read(1).source.split(" ", 1)[1])["raw"] == unicodedata.normalize("NFD", " 한글 ")


def test_an_lmdb_without_crops_is_refused(tmp_path, workspace):
    write_lmdb(tmp_path / "old/handwriting_annotations_train.lmdb", [(JPEG, b"a")], keys=("page", "text"))
    assert only(tmp_path / "old", workspace).state == "refused"
    assert not workspace.annotations("handwriting", "train", "lmdb").exists()


def test_an_empty_lmdb_stays_empty(tmp_path, workspace):
    write_lmdb(tmp_path / "old/handwriting_annotations_train.lmdb", [])
    assert only(tmp_path / "old", workspace).state == "adopted"
    assert len(CropReader(workspace.annotations("handwriting", "train", "lmdb"))) == 0


# -- JSONL -----------------------------------------------------------------------------------------------------------


def test_lines_without_a_picture_or_a_text_are_set_aside(tmp_path, workspace):
    folder = tmp_path / "old"
    crops = folder / "crops/handwriting/train"
    crops.mkdir(parents=True)
    (crops / "sound.jpg").write_bytes(JPEG)
    (crops / "half.jpg").write_bytes(JPEG[:100])
    lines = {str(crops / "sound.jpg"): "가", str(crops / "gone.jpg"): "나", str(crops / "half.jpg"): "다"}
    path = write_jsonl(folder / "handwriting_annotations_train.jsonl", lines)
    with path.open("a", encoding="utf-8") as file:
        file.write('\n{"image_info": []}\n{"image_in')
    counts = only(folder, workspace).counts
    assert (counts.words_in, counts.words_out, counts.add_up) == (5, 1, True)
    assert sorted(reasons(workspace, "jsonl").values()) == [
        "image_unreadable",
        "line_unreadable",
        "line_unreadable",
        "sample_missing",
    ]


def test_crops_of_a_folder_that_moved_are_found_beside_the_jsonl(tmp_path, workspace):
    folder = tmp_path / "moved"
    (folder / "crops/handwriting/train").mkdir(parents=True)
    (folder / "crops/handwriting/train/a.jpg").write_bytes(JPEG)
    url = "/mnt/nas/ocr_dataset/crops/handwriting/train/a.jpg"
    write_jsonl(folder / "handwriting_annotations_train.jsonl", {url: unicodedata.normalize("NFD", "한글")})
    assert only(folder, workspace).counts.words_out == 1
    line = json.loads(workspace.annotations("handwriting", "train", "jsonl").read_text(encoding="utf-8"))
    assert line["image_info"][0] == {
        "matched_text_index": 0,
        "image_url": str(folder / "crops/handwriting/train/a.jpg"),
    }
    assert line["text_info"][1] == {"text": "한글", "tag": "no_mask"}


def test_a_line_that_says_two_texts_is_set_aside(tmp_path, workspace):
    (tmp_path / "old").mkdir()
    (tmp_path / "old/a.jpg").write_bytes(JPEG)
    file = write_jsonl(tmp_path / "old/handwriting_annotations_train.jsonl", {"a.jpg": "가"})
    line = file.read_text(encoding="utf-8")
    file.write_text(line + line.replace('"text": "가"', '"text": "가", "text": "나"'), encoding="utf-8")
    counts = only(tmp_path / "old", workspace).counts
    assert (counts.words_in, counts.words_out, counts.add_up) == (2, 1, True)
    assert reasons(workspace, "jsonl") == {f"{file.name}#2": "line_unreadable"}
