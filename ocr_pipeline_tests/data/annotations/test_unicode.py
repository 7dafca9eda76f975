"""What people write on blank sheets survives from the label file to what a recognizer learns, whatever the script."""

from __future__ import annotations

import json

import pytest

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.data.synthetic.vocabulary import EMOTICONS, HANJA
from ocr_pipeline.page import nfc
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.annotations.making import FORMATS, TRAIN, build, read_lmdb
from ocr_pipeline_tests.trees import HAND_LABELS, HAND_PICTURES, corner_label, picture, write_tree

HANJA_BEYOND_THE_BASIC_PLANE = ("\U00020000", "㐀")
JAMO = ("ㄱ", "ㅏ", "ㅋㅋㅋ", "ㅇ_ㅇ", "(~ㅇㅂㅇ)~", "국ㅇㄴ")
ASCII_ART = (">:-<,", "^.^", "8-)", "\\(^o^)/", '"', "|_|", "<br>", "a\tb")
SYMBOLS = ("㎡", "①", "★", "…", "½", "😀", "👩‍👩‍👧")
NFC_LABELS = tuple(dict.fromkeys((*HANJA, *HANJA_BEYOND_THE_BASIC_PLANE, *JAMO, *ASCII_ART, *EMOTICONS, *SYMBOLS)))
NOT_NFC = {"\uf92c": "\u90ce", "\u1112\u1161\u11ab\u1100\u1173\u11af": "한글", "e\u0301": "é", "\u2126": "Ω"}


def handwriting(labels):
    """One page for each label: they are as long as they like."""
    files = {}
    for number, label in enumerate(labels):
        stem = f"IMG_OCR_53_4PR_{number:05d}"
        files[f"{HAND_LABELS}/R.Free/{stem}.json"] = corner_label(label)
        files[f"{HAND_PICTURES}/R.Free/{stem}.png"] = picture(seed=number)
    return files


@pytest.fixture
def labels():
    assert all(nfc(label) == label for label in NFC_LABELS)
    return [*NFC_LABELS, *NOT_NFC]


@pytest.mark.parametrize("form", FORMATS)
def test_every_label_reaches_the_recognizer_unchanged_but_for_nfc(tmp_path, workspace, labels, form):
    share = Share(write_tree(tmp_path / "share", handwriting(labels)))
    (manifest,) = build(share, workspace, form)
    assert (manifest.counts.words_out, manifest.counts.words_quarantined) == (len(labels), 0)
    reader = CropReader(workspace.annotations("handwriting", "train", form))
    assert [reader.text(place) for place in range(len(reader))] == [NOT_NFC.get(label, label) for label in labels]


def test_the_files_hold_utf_8_as_other_programs_expect_it(tmp_path, workspace, labels):
    share = Share(write_tree(tmp_path / "share", handwriting(labels)))
    expected = [NOT_NFC.get(label, label) for label in labels]
    for form in FORMATS:
        build(share, workspace, form)
    stored = read_lmdb(workspace.annotations("handwriting", "train", "lmdb"))
    assert [stored[f"label-{number:09d}"] for number in range(1, len(labels) + 1)] == [
        text.encode() for text in expected
    ]
    lines = workspace.annotations("handwriting", "train", "jsonl").read_bytes().splitlines()
    assert [json.loads(line)["text_info"][1]["text"] for line in lines] == expected


def test_the_merged_json_keeps_the_raw_label_where_nfc_changes_it(tmp_path, workspace, labels):
    build(Share(write_tree(tmp_path / "share", handwriting(labels))), workspace, "lmdb")
    words = [page.words[0] for page in read_pages(workspace.merged_json(TRAIN.key), TRAIN)]
    assert [word.raw_text or word.text for word in words] == labels
    assert {word.raw_text: word.text for word in words if word.raw_text is not None} == NOT_NFC
    document = json.loads(workspace.merged_json(TRAIN.key).read_bytes())
    raw = [page["words"][0].get("raw_text") for page in document["pages"]]
    assert [label for label in raw if label is not None] == list(NOT_NFC)
