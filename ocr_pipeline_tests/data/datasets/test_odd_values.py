"""Values that a label may hold and a page must not: each costs its word or its page by name, and nothing is guessed."""

from __future__ import annotations

import codecs
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_pipeline.data.datasets import LabelError, source_partition
from ocr_pipeline.data.datasets.names import base_name, picture_name
from ocr_pipeline.data.merged_json import label_shards
from ocr_pipeline.data.merged_json.labels import read_label
from ocr_pipeline.page import Page
from ocr_pipeline_tests.data.datasets.wild import read_wild
from ocr_pipeline_tests.trees import admin_label, corner_label, encode, wild_image, wild_label, wild_word

TRAIN = source_partition("handwriting_train")


def read(document) -> label_shards.Parsed:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    parsed = read_label(data, "TL/x.json", TRAIN)
    assert parsed.counts.add_up
    return parsed


def with_first(**values) -> dict:
    """A page of two words, the first of which has these values."""
    document = corner_label("가", "나")
    document["bbox"][0] |= values
    return document


@pytest.mark.parametrize(
    "text", [1.5, 1e3, 0.10, True, False, ["가", "나"], {"text": "다"}, [], "a\ud83d", "\udc80"], ids=repr
)
def test_what_is_no_text_is_set_aside_and_not_learnt_in_pythons_spelling(text):
    parsed = read(with_first(data=text))
    assert [word.text for word in parsed.pages[0].words] == ["나"]
    (record,) = parsed.quarantined
    assert (record.reason, record.word) == ("word_malformed", 0)
    assert msgspec.json.encode(record)


DOUBLED_IN_THE_PAGE = [
    ("}]}", '}], "bbox": []}'),
    ("}]}", '}], "\\u0062box": [], "bbox": []}'),
    ("}]}", '}], "Images": {"width": 60, "height": 40, "type": "png"}}'),
    ('"width": 60', '"width": 60, "width": 61'),
    ('"width": 60', '"width": 60, "w\\u0069dth": 61'),
    ('"width": 60', '"width": 60, "note": "}", "width": 61'),
    ('"width": 60', '"width": 60, "note": {}, "width": 61'),
]
DOUBLED_IN_A_WORD = [
    ('"data": "나"', '"data": "나", "data": "다"'),
    ('"data": "나"', '"data": "나", "data": "다", "x": NaN'),
    ('"data": "나"', '"data": "나", "\\u0064ata": "다"'),
    ('"data": "나"', '"data": "[나", "data": "다"'),
    ('"data": "나"', '"data": "나", "x": [1, 1, 9, 9]'),
    ('"data": "나"', '"data": "나", "y": []'),
    ('"data": "나"', '"data": "나", "typeface": 1, "typeface": 2'),
    ('"data": "나"', '"DATA": "나", "Data": "다"'),
]


@pytest.mark.parametrize(("before", "after"), [*DOUBLED_IN_THE_PAGE, *DOUBLED_IN_A_WORD])
def test_a_key_that_stands_twice_is_told_and_neither_is_chosen(before, after):
    """Most readers take the last one without a word; what has no value now costs its word, or its page."""
    text = json.dumps(corner_label("가", "나:"), ensure_ascii=False).replace("나:", "나")
    assert before in text and read(text.encode()).pages
    parsed = read(text.replace(before, after).encode())
    (record,) = parsed.quarantined
    in_a_word = (before, after) in DOUBLED_IN_A_WORD
    assert record.reason == ("word_malformed" if in_a_word else "label_unreadable")
    assert "with different values" in record.detail
    assert [word.text for page in parsed.pages for word in page.words] == ["가"] * in_a_word
    assert all(value in record.raw for value in ("나", "다") if in_a_word and value in after)


def test_a_key_that_stands_twice_with_one_value_has_that():
    text = json.dumps(corner_label("가"), ensure_ascii=False)
    twice = text.replace('"data": "가"', '"data": "가", "data": "가"').replace(
        '"width": 60', '"width": 60, "width": 60'
    )
    assert read(twice.encode()).pages == read(text.encode()).pages


@pytest.mark.parametrize(
    "after",
    ['"annotation.text": "나"', '"annotation.bbox": [1, 1, 9, 9]', '"annotation.te\\u0078t": "나"'],
)
def test_a_word_that_says_two_things_is_set_aside_in_the_other_form_too(after):
    text = json.dumps(admin_label("a.jpg", "가", "다"), ensure_ascii=False)
    text = text.replace('"annotation.text": "가"', f'"annotation.text": "가", {after}')
    parsed = read_label(text.encode(), "TL/x.json", source_partition("public_admin_train"))
    assert [word.text for word in parsed.pages[0].words] == ["다"]
    assert [(record.reason, record.word) for record in parsed.quarantined] == [("word_malformed", 0)]


def test_colons_and_quotes_in_texts_are_no_keys():
    texts = ["a:b", '"c":', "\\", '\\":', "xbox"]
    assert [word.text for word in read(corner_label(*texts)).pages[0].words] == texts


@pytest.mark.parametrize(("text", "read_as"), [(21045, "21045"), (-3, "-3"), ("1.50", "1.50"), ("\r\n가", "\r\n가")])
def test_whole_numbers_and_texts_are_kept_as_they_are_written(text, read_as):
    assert read(with_first(data=text)).pages[0].words[0].text == read_as


@pytest.mark.parametrize("text", ["\u200b", "\ufeff \u3164", "\u2060", " \t"])
def test_a_label_in_which_nothing_is_visible_is_not_learnt(text):
    assert [word.state for word in read(with_first(data=text)).pages[0].words] == ["ignore", "ok"]


def test_a_record_whose_text_has_another_key_is_no_illegible_word():
    document = corner_label("가", "나")
    document["bbox"][0]["value"] = document["bbox"][0].pop("data")
    (record,) = read(document).quarantined
    assert record.detail == "the record has no text under data or text"


@pytest.mark.parametrize("x", [[True, 2, 18, 18], ["a", 2, 18, 18], [2, 2, 18], None, [None, 2, 8, 8], [2, 2, 1e12, 8]])
def test_coordinates_that_are_no_numbers_cost_their_word(x):
    assert [record.reason for record in read(with_first(x=x)).quarantined] == ["word_malformed"]


def test_coordinates_as_text_are_numbers():
    assert read(with_first(x=["2", "2", "18.5", "18.5"])).pages[0].words[0].quad[1] == (18.5, 4)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_in_one_box_costs_that_word_alone(value):
    assert [word.text for word in read(with_first(x=[value, 2, 18, 18])).pages[0].words] == ["나"]


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_a_label_in_utf_16_with_its_mark(mark):
    encoding = "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
    data = mark + json.dumps(corner_label("가"), ensure_ascii=False).encode(encoding)
    assert read(data).pages[0].words[0].text == "가"


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"a":' * 100_000, b'{"Images":{},"bbox":[],"x":' + b"[" * 100_000])
def test_a_label_nested_without_end_is_unreadable(data):
    assert [record.reason for record in read(data).quarantined] == ["label_unreadable"]


def test_a_fault_of_the_reader_costs_one_label_and_is_loud(tmp_path, monkeypatch, caplog):
    entry = label_shards.Entry(("TL",), "x.json", "TL/x.json", 2, 0.0)
    monkeypatch.setattr(label_shards, "read_label", lambda *arguments: 1 / 0)
    (record,) = label_shards._parse(entry, b"{}", TRAIN).quarantined
    assert (record.reason, record.label) == ("unexpected", "TL/x.json")
    assert "ZeroDivisionError" in record.detail and "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("kind", "name"),
    [("jpg", "1.jpg"), (".JPG", "1.jpg"), ("image/jpeg", "1.jpeg"), (None, "1"), (1, "1"), ("jpe", "1")],
)
def test_the_kind_of_a_picture_however_it_is_told(kind, name):
    assert picture_name("1", kind) == name
    assert picture_name("1.JPG", "jpg") == "1.JPG" and picture_name("1.jpg", "png") == "1.jpg.png"


@pytest.mark.parametrize("path", ["sub.jpg", "folder/sub.jpg", "folder\\sub.jpg", "../../sub.jpg", " sub.jpg "])
def test_a_picture_named_by_a_path_is_its_file(path):
    assert base_name(path) == "sub.jpg"


@pytest.mark.parametrize("name", ["\ud83d.jpg", "a\0.jpg", "a\n.jpg"])
def test_a_picture_named_as_no_file_can_be_costs_its_page(name):
    data = json.dumps(admin_label(name, "가")).encode()
    (record,) = read_label(data, "TL/x.json", source_partition("public_admin_train")).quarantined
    assert record.reason == "label_unreadable" and "no picture can be called" in record.detail
    assert msgspec.json.encode(record)


# --- Text in the wild


def test_words_of_an_id_that_two_pictures_have_are_given_to_neither():
    images = [wild_image("1", "one.jpg"), wild_image("1", "two.jpg"), wild_image("2", "three.jpg")]
    words = [wild_word("1", "가", [1, 1, 9, 9]), wild_word("1", "나", [1, 1, 9, 9]), wild_word("2", "다", [1, 1, 9, 9])]
    parsed = read_wild(encode(wild_label(images, words)))
    assert [(page.image, [word.text for word in page.words]) for page in parsed.pages] == [("three.jpg", ["다"])]
    assert parsed.counts.reasons == {"page": {"image_id_ambiguous": 2}, "word": {"image_id_ambiguous": 2}}
    assert parsed.counts.add_up


def test_half_a_character_costs_its_word_or_its_picture():
    images = [wild_image("1", "one.jpg"), wild_image("2", "t\ud83d.jpg")]
    document = wild_label(
        images,
        [
            wild_word("1", "가\ud83d", [1, 1, 9, 9]),
            wild_word("1", "나", [1, 1, 9, 9]),
            wild_word("2", "다", [1, 1, 9, 9]),
        ],
    )
    parsed = read_wild(json.dumps(document).encode())
    assert [(page.image, [word.text for word in page.words]) for page in parsed.pages] == [("one.jpg", ["나"])]
    assert parsed.counts.reasons["page"] == {"label_unreadable": 1}
    assert parsed.counts.reasons["word"] == {"word_malformed": 1, "word_without_page": 1}


@pytest.mark.parametrize(
    "twice",
    [
        '"text": "나"',
        '"bbox": [2, 2, 9, 9]',
        '"image_id": "2"',
        '"attributes": {"class": "ignored"}',
        '"te\\u0078t": "나"',
    ],
)
def test_a_word_in_the_wild_that_says_two_things_is_set_aside(twice):
    images = [wild_image("1", "one.jpg"), wild_image("2", "two.jpg")]
    words = [wild_word("1", "가", [1, 1, 9, 9]), wild_word("2", "다", [1, 1, 9, 9])]
    text = encode(wild_label(images, words)).decode().replace('"가"', f'"가", {twice}')
    parsed = read_wild(text.encode())
    assert {page.image: [word.text for word in page.words] for page in parsed.pages} == {
        "one.jpg": [],
        "two.jpg": ["다"],
    }
    (record,) = parsed.quarantined
    assert record.reason == "word_malformed" and parsed.counts.add_up


def test_a_picture_in_the_wild_of_two_widths_is_set_aside():
    text = encode(wild_label([wild_image("1", "one.jpg")], [])).decode()
    assert read_wild(text.encode()).pages
    (record,) = read_wild(text.replace('"width":', '"width": 3, "width":').encode()).quarantined
    assert record.reason == "label_unreadable" and "with different values" in record.detail


def test_a_document_in_the_wild_with_two_lists_of_pictures_is_none():
    text = encode(wild_label([wild_image("1", "one.jpg")], [])).decode()
    with pytest.raises(LabelError, match="images stands twice"):
        read_wild(text.replace('"images"', '"Images": [], "images"').encode())


# --- What is written can be read

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=5)
    | st.sampled_from(["\ud83d", "\r", "###", 10**30]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["x", "y", "data", "width"]), inner),
    max_leaves=12,
)


@given(VALUES, VALUES, VALUES, VALUES)
def test_whatever_a_label_holds_its_pages_can_be_read_back(images, records, text, x):
    for document in (
        {"Images": images, "bbox": records},
        {"Images": {"width": 60, "height": 40, "type": images}, "bbox": [{"data": text, "x": x, "y": [4, 14, 4, 14]}]},
    ):
        parsed = read(json.dumps(document).encode())
        for page in parsed.pages:
            assert msgspec.json.decode(msgspec.json.encode(page), type=Page) == page
        assert all(msgspec.json.encode(record) for record in parsed.quarantined)
