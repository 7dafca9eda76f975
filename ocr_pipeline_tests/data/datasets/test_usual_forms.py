"""The quick readers give what the tolerant ones give, or nothing."""

from __future__ import annotations

import copy
import json
import random

import pytest

from ocr_pipeline.data.datasets import LabelError, source_partition
from ocr_pipeline.data.merged_json.labels import decode_json
from ocr_pipeline_tests.trees import admin_label, corner_label

USUAL = {
    "handwriting_train": [corner_label("가나", "(~ㅇㅂㅇ)~", "郎"), corner_label(kind="PNG")],
    "ocr_public_valid": [
        {("Bbox" if key == "bbox" else key): value for key, value in corner_label("가", "나").items()}
    ],
    "public_admin_train": [admin_label("5350178-1999-0001-0344.jpg", "김해를", "시장"), admin_label("a.jpg")],
}
USUAL["ocr_public_valid"][0]["Bbox"][0]["typeface"] = 2
ODD = [
    None,
    1,
    2.0,
    -3,
    True,
    "",
    "###",
    " xxx ",
    "\u1100\u1161",
    "가",
    [],
    {},
    [1],
    [4, 4, 4, 4],
    [1, 5, 1, 5],
    1 << 31,
    10**30,
]


def both(data: bytes, key: str):
    partition = source_partition(key)
    usual = partition.dataset.read_usual(data, "TL/x.json", "train")
    try:
        tolerant = partition.dataset.read(decode_json(data), "TL/x.json", "train")
    except LabelError:
        tolerant = None
    return usual, tolerant


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("key", USUAL)
def test_usual_labels_are_read_by_the_quick_reader(key, indent):
    for document in USUAL[key]:
        usual, tolerant = both(json.dumps(document, ensure_ascii=False, indent=indent).encode(), key)
        assert usual is not None
        assert usual == tolerant


def places(value, path=()):
    """Where every value of a document stands."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield from places(below, (*path, key))


def changed(document, path, value):
    document = copy.deepcopy(document)
    *above, last = path
    place = document
    for key in above:
        place = place[key]
    if value is places:
        del place[last]
    elif isinstance(place, dict) and value is changed:
        place[last.swapcase()] = place.pop(last)
    else:
        place[last] = value
    return document


@pytest.mark.parametrize("key", USUAL)
def test_one_change_anywhere_never_makes_them_differ(key):
    read = 0
    for document in USUAL[key]:
        for path in [path for path in places(document) if path]:
            for value in (*ODD, places):
                data = json.dumps(changed(document, path, value), ensure_ascii=False).encode()
                usual, tolerant = both(data, key)
                read += usual is not None
                assert usual is None or usual == tolerant
    assert read > 30


@pytest.mark.parametrize("key", USUAL)
def test_a_key_of_another_case_is_left_to_the_tolerant_reader(key):
    for document in USUAL[key]:
        for path in [path for path in places(document) if path and isinstance(path[-1], str)]:
            *above, last = path
            renamed = copy.deepcopy(document)
            place = renamed
            for name in above:
                place = place[name]
            place[last.capitalize() if last.islower() else last.upper()] = place.pop(last)
            usual, tolerant = both(json.dumps(renamed, ensure_ascii=False).encode(), key)
            assert usual is None or usual == tolerant


@pytest.mark.parametrize("key", USUAL)
def test_no_changed_byte_makes_them_differ(key):
    chance = random.Random(1)
    for document in USUAL[key]:
        good = json.dumps(document, ensure_ascii=False).encode()
        for place in range(len(good)):
            data = good[:place] + bytes([chance.randrange(256)]) + good[place + 1 :]
            usual, tolerant = both(data, key)
            assert usual is None or tolerant is None or usual == tolerant


def test_byte_order_mark_and_cp949_are_left_to_the_tolerant_reader():
    text = json.dumps(corner_label("가"), ensure_ascii=False)
    for data in (b"\xef\xbb\xbf" + text.encode(), text.encode("cp949")):
        usual, tolerant = both(data, "handwriting_train")
        assert usual is None
        assert [word.text for word in tolerant.pages[0].words] == ["가"]
