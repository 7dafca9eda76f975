from __future__ import annotations

import itertools
import json
import math

import msgspec
import numpy as np
import pytest

from ocr_pipeline.data.datasets import LabelError, source_partition
from ocr_pipeline.data.datasets.label_forms import area, box_quad, clockwise, need, number, pick
from ocr_pipeline.data.merged_json.labels import decode_json, read_label
from ocr_pipeline_tests.data.datasets.wild import read_wild
from ocr_pipeline_tests.trees import corner_label, corners, encode

UPRIGHT = ((10, 20), (110, 20), (110, 50), (10, 50))


def read(document, partition="handwriting_train", label="가/IMG_1.json"):
    data = document if isinstance(document, bytes) else encode(document)
    return read_label(data, label, source_partition(partition))


def only_word(record):
    parsed = read({"Images": {"width": 200, "height": 100}, "bbox": [record]})
    (page,) = parsed.pages
    assert parsed.counts.add_up
    return page.words[0] if page.words else parsed.quarantined[0]


def test_the_corner_order_of_aihub_becomes_clockwise_from_top_left():
    box = corners(10, 20, 110, 50)
    assert (box["x"], box["y"]) == ([10, 10, 110, 110], [20, 50, 20, 50])
    assert only_word({"data": "가", **box}).quad == UPRIGHT


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_corners_in_any_order_make_the_same_quad_unless_they_are_those_of_a_turned_word(order):
    found = clockwise([UPRIGHT[place][0] for place in order], [UPRIGHT[place][1] for place in order])
    turned = order in {(1, 0, 2, 3), (2, 1, 3, 0), (3, 2, 0, 1)}  # top left, bottom left, top right, bottom right of it
    assert found == (tuple(UPRIGHT[(order[0] + place) % 4] for place in range(4)) if turned else UPRIGHT)


@pytest.mark.parametrize("degrees", range(-180, 181, 15))
def test_a_word_turned_by_any_angle_keeps_its_own_top_left(degrees):
    turn = np.deg2rad(degrees)
    x, y = np.array([[0, 0, 120, 120], [0, 40, 0, 40]], float) - [[60], [20]]  # as AI-Hub lists corners
    xs, ys = 300 + x * np.cos(turn) - y * np.sin(turn), 200 + x * np.sin(turn) + y * np.cos(turn)
    quad = clockwise(xs.tolist(), ys.tolist())
    assert quad[0] == (xs[0], ys[0])
    assert area(quad) == pytest.approx(120 * 40)


@pytest.mark.parametrize("degrees", [-40, -20, -3, 3, 17, 25, 40])
@pytest.mark.parametrize("size", [(100, 30), (20, 150)])
def test_rotated_words_keep_their_corners(degrees, size):
    turn, (width, height) = math.radians(degrees), size
    flat = [(0, 0), (width, 0), (width, height), (0, height)]
    turned = [
        (
            round(300 + x * math.cos(turn) - y * math.sin(turn), 3),
            round(300 + x * math.sin(turn) + y * math.cos(turn), 3),
        )
        for x, y in flat
    ]
    shuffled = [turned[place] for place in (0, 3, 1, 2)]
    word = only_word({"data": "가", "x": [x for x, _ in shuffled], "y": [y for _, y in shuffled]})
    start = turned.index(word.quad[0])
    assert list(word.quad) == turned[start:] + turned[:start]
    assert area(word.quad) == pytest.approx(width * height, rel=1e-3)


def test_a_box_by_its_size():
    assert box_quad([10, 20, 100, 30]) == UPRIGHT
    assert area(UPRIGHT) == 3000


def test_coordinates_off_the_page_are_kept_as_labelled():
    assert only_word({"data": "가", **corners(-4, 20, 900, 50)}).quad[0] == (-4, 20)


@pytest.mark.parametrize(
    "record",
    [
        {"data": "국ㅇㄴ", **corners(10, 20, 110, 20)},
        {"data": "가", **corners(10, 20, 10, 50)},
        {"data": "가", "bbox": [10, 20, 30, 0]},
        {"data": "가", "bbox": [10, 20, -30, -5]},
        {"data": "가", "bbox": [10, 20, -30, 5]},
    ],
)
def test_boxes_without_area_are_set_aside_with_their_record(record):
    aside = only_word(record)
    assert (aside.unit, aside.reason, aside.word, aside.label) == ("word", "word_zero_area", 0, "가/IMG_1.json")
    assert json.loads(aside.raw) == record


@pytest.mark.parametrize(
    "record",
    [
        {"data": "가"},
        {"data": "가", "x": [1, 1, 5], "y": [1, 5, 1]},
        {"data": "가", "x": [1, 1, 5, None], "y": [1, 5, 1, 5]},
        {"data": "가", "x": "1155", "y": [1, 5, 1, 5]},
        {"data": "가", "bbox": [1, 2, 3]},
        {"data": "가", "bbox": [1, 2, 3, 10**30]},
        {"data": "가", "bbox": {"x": 1}},
        None,
        "가",
        [1, 2, 3, 4],
    ],
)
def test_malformed_boxes_are_set_aside(record):
    assert only_word(record).reason == "word_malformed"


@pytest.mark.parametrize("key", ["bbox", "Bbox", "BBOX"])
def test_the_case_of_keys_does_not_matter(key):
    parsed = read({"images": {"Width": 9, "HEIGHT": "8"}, key: [{"Data": "가", **corners(1, 1, 5, 5)}]})
    (page,) = parsed.pages
    assert (page.width, page.height, page.words[0].text) == (9, 8, "가")


def test_the_first_of_several_keys_wins_and_exact_case_first():
    assert pick({"TEXT": 1, "text": 2}, "text") == 2
    assert pick({"b": 1, "a": 2}, "a", "b") == 2
    assert pick({}, "a", default=3) == 3
    with pytest.raises(LabelError, match="no key a or b"):
        need({"c": 1}, "a", "b")


def test_numbers_of_pixels_may_be_text():
    assert (number("1654"), number(2480.0), number(0)) == (1654, 2480, 0)
    for value in (None, "wide", "inf", "nan", -1, 10**400, [1]):
        with pytest.raises(LabelError):
            number(value)


def test_misspelt_and_missing_keys_beside_the_words_do_not_matter():
    document = corner_label("가")
    document["DataSet"] = {"identifier": "IMG_OCR_6_T"}
    document["Images"].update({"acquistion_location": "자체", "data_capture": "2021"})
    assert len(read(document).pages[0].words) == 1


def test_ids_of_the_label_are_not_trusted():
    document = corner_label("가", "나", "다")
    for record, number_ in zip(document["bbox"], (7, "c0ffee00-1111-11ec-8d3d-0242ac130003", 7), strict=True):
        record["id"] = number_
    assert [word.id for word in read(document).pages[0].words] == [0, 1, 2]


def test_a_word_set_aside_does_not_change_the_ids_of_the_others():
    document = corner_label("가", "나", "다")
    document["bbox"][1]["x"] = [5, 5, 5, 5]
    assert [(word.id, word.text) for word in read(document).pages[0].words] == [(0, "가"), (2, "다")]


@pytest.mark.parametrize("text", [None, "", " ", "###", "xxx"])
def test_words_without_legible_text_are_ignored_and_noted(text):
    parsed = read(corner_label("가", text))
    assert [word.state for word in parsed.pages[0].words] == ["ok", "ignore"]
    assert parsed.counts.notes == {"words_ignored": 1}
    assert (parsed.counts.words_in, parsed.counts.words_out) == (2, 2)


def test_text_is_composed_and_the_label_kept_where_that_changed_it():
    composed, decomposed, cjk = read(corner_label("가", "\u1100\u1161", "\uf92c")).pages[0].words
    assert (composed.text, composed.raw_text) == ("가", None)
    assert (decomposed.text, decomposed.raw_text) == ("가", "\u1100\u1161")
    assert (cjk.text, cjk.raw_text) == ("\u90ce", "\uf92c")


def test_separate_jamo_and_emoticons_are_legitimate():
    assert [word.text for word in read(corner_label("ㅇ_ㅇ", "(~ㅇㅂㅇ)~")).pages[0].words] == ["ㅇ_ㅇ", "(~ㅇㅂㅇ)~"]


def test_numbers_as_text_are_read_as_text():
    document = corner_label("가")
    document["bbox"][0]["data"] = 21045
    assert read(document).pages[0].words[0].text == "21045"


def test_the_picture_is_named_after_the_label_file():
    document = corner_label("가", kind="PNG")
    document["Images"]["identifier"] = "another"
    assert read(document, label="가/나.다/IMG.53_1.json").pages[0].image == "IMG.53_1.png"
    del document["Images"]["type"]
    assert read(document, label="IMG_1.json").pages[0].image == "IMG_1"


def test_the_typeface_is_kept():
    document = corner_label("가", "나")
    document["bbox"][0]["typeface"] = 3
    assert [word.typeface for word in read(document).pages[0].words] == [3, None]


@pytest.mark.parametrize(
    "encode_text", [str.encode, lambda text: b"\xef\xbb\xbf" + text.encode(), lambda text: text.encode("cp949")]
)
def test_byte_order_mark_and_cp949(encode_text):
    text = json.dumps(corner_label("뷁가", "나"), ensure_ascii=False)
    assert [word.text for word in read(encode_text(text)).pages[0].words] == ["뷁가", "나"]


def test_what_is_no_json_says_why():
    for data, why in (
        (b"", "JSON"),
        (b'{"a": ', "JSON"),
        ('{"a": "가"}'.encode()[:8] + b'"}', "cp949"),
        (b"\xff\xfe{", "JSON"),
    ):
        with pytest.raises(LabelError, match=why):
            decode_json(data)


ODD = [None, 1, -1.5, True, "", "가", [], {}, [1], {"a": 1}, [[]], [{}], {"width": 1, "height": 1}, 10**30, "1e999"]


def odd_documents():
    documents = [*ODD]
    for one, other in itertools.product(ODD, repeat=2):
        documents += [{"Images": one, "bbox": other}, {"images": one, "annotations": other}]
        images = {"id": "1", "width": one, "height": other, "file_name": one, "image.file.name": other}
        records = [
            {"image_id": "1", "text": one, "bbox": other, "attributes": other, "x": one, "y": other, "data": one}
        ]
        documents += [
            {"Images": images, "bbox": records},
            {"images": [images], "annotations": records},
            {"images": [{**images, "width": 1, "height": 1}], "annotations": records},
            {"Images": {**images, "width": 1, "height": 1}, "bbox": records},
        ]
    return documents


def is_sound(parsed):
    counted = sum(record.unit == "page" for record in parsed.quarantined) == parsed.counts.pages_quarantined
    written = all(msgspec.json.encode(record) for record in (*parsed.pages, *parsed.quarantined))
    return parsed.counts.add_up and counted and written


@pytest.mark.parametrize("partition", ["handwriting_train", "public_admin_valid"])
def test_no_document_however_odd_is_more_than_an_unreadable_label(partition):
    assert all(is_sound(read(document, partition)) for document in odd_documents())


def test_no_document_of_text_in_the_wild_however_odd_is_more_than_unreadable():
    read_somehow = 0
    for document in odd_documents():
        try:
            assert is_sound(
                read_wild(encode(document) if isinstance(document, dict) else json.dumps(document).encode())
            )
        except LabelError:
            continue
        read_somehow += 1
    assert read_somehow > 400


def test_an_unreadable_label_is_quarantined_by_name_with_its_beginning():
    parsed = read(b'{"Images": {"width": 1}, "bbox": []}', label="TL/x.json")
    (record,) = parsed.quarantined
    assert (record.unit, record.reason, record.label) == ("page", "label_unreadable", "TL/x.json")
    assert (record.dataset, record.split) == ("handwriting", "train")
    assert "height" in record.detail
    assert record.raw.startswith('{"Images"')
    assert (parsed.counts.pages_in, parsed.counts.pages_out) == (1, 0)
