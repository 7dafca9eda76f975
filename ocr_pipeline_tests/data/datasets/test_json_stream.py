"""Streams give what a parser of the whole document gives, wherever the pieces and windows end."""

from __future__ import annotations

import itertools
import json
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr_pipeline.data.datasets import LabelError, json_stream
from ocr_pipeline.data.datasets.json_stream import stream_arrays
from ocr_pipeline_tests.data.datasets.wild import read_wild
from ocr_pipeline_tests.trees import encode, wild_image, wild_label, wild_word


class Item(msgspec.Struct):
    a: int


def cut(data: bytes, size: int):
    return (data[start : start + size] for start in range(0, len(data), size))


def streamed(data: bytes, size: int = 7, kinds=None) -> dict[str, list]:
    found: dict[str, list] = {}
    for key, batch in stream_arrays(cut(data, size), kinds or {"x": dict, "y": dict}):
        found.setdefault(key, []).extend(batch)
    return found


DOCUMENTS = [
    {"x": [{"a": 1}, {"a": 2}], "y": []},
    {"info": {"n": [1, {"b": "}, {"}]}, "y": [{"a": "},{"}, {"a": [{}, {}, {"x": [{}]}]}], "z": 1.5, "x": [{}]},
    {"x": [{"a": ']}, {"x": [{'}] * 30, "y": [{"a": '가나다 \\" }'}], "licenses": ["a", 1, None]},
    {"x": [1, 2, {"a": 1}], "y": [{"a": 1}, "junk"]},
    {"x": [{"a": 1}, [2], {"a": 3}, 4, {"a": 5}], "y": [[], [{}]]},
    {"X": [{"a": 1}], "y": [{}], "t": True, "n": None, "s": "y"},
]


@pytest.mark.parametrize("window", [1, 5, 40, 1 << 20])
@pytest.mark.parametrize("indent", [None, 0, 3])
@pytest.mark.parametrize("document", DOCUMENTS)
def test_it_is_what_json_reads(monkeypatch, document, indent, window):
    monkeypatch.setattr(json_stream, "_WINDOW", window)
    for ensure_ascii, size in itertools.product((False, True), (1, 16, 1000)):
        data = json.dumps(document, indent=indent, ensure_ascii=ensure_ascii).encode()
        folded = {key.lower(): value for key, value in document.items()}
        assert streamed(data, size) == {key: folded[key] for key in ("x", "y")}


def test_records_of_the_type_come_as_structs_and_others_as_they_are(monkeypatch):
    monkeypatch.setattr(json_stream, "_WINDOW", 30)
    values = [1] * 500 + ["odd"] + [2] * 500
    found = streamed(encode({"x": [{"a": value} for value in values]}), 10, {"x": Item})["x"]
    assert [record.a if isinstance(record, Item) else record["a"] for record in found] == values
    assert 500 < sum(isinstance(record, Item) for record in found) < 1000


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_end_that_comes_early_is_taken_for_the_end(document):
    data = json.dumps(document).encode()
    for end in range(len(data)):
        with pytest.raises(LabelError):
            streamed(data[:end])


def test_a_damaged_record_in_the_middle_ends_soon_and_clearly():
    good = json.dumps({"x": [{"a": [1, 2, 3, "text"]}] * 4_000}).encode()
    damaged = good[: len(good) // 2] + b"#" + good[len(good) // 2 :]
    with pytest.raises(LabelError, match="damaged"):
        streamed(damaged, 1 << 16)


def test_no_changed_byte_is_read_otherwise_than_by_json():
    good, chance = json.dumps(DOCUMENTS[1]).encode(), random.Random(0)
    for place in range(len(good)):
        data = good[:place] + bytes([chance.randrange(32, 127)]) + good[place + 1 :]
        try:
            expected = json.loads(data)
        except ValueError:
            with pytest.raises(LabelError):
                streamed(data)
            continue
        if all(isinstance(expected.get(key, []), list) for key in "xy"):
            assert streamed(data) == {key.lower(): value for key, value in expected.items() if key.lower() in "xy"}


WORDS = [
    wild_word("1", "가", [2, 4, 10, 10]),
    wild_word("2", "나", [2, 4, 10, 10]),
    wild_word("1", None, [2, 4, 10, 10], "ignored"),
    wild_word("2", "다", [-3, 4, 10.5, 10]),
    wild_word("1", "라", [2, 4, 0, 10]),
    wild_word("1", "마", [2, 4, 10, 10], "character"),
    wild_word("3", "###", [2, 4, 10, 10]),
    {"image_id": "2", "text": "바", "bbox": None, "attributes": None},
    wild_word("2", "\u1100\u1161", [1, 1, 5, 5]),
]
IMAGES = [wild_image("1", "A.jpg"), wild_image("2", "B.jpg"), wild_image("3", "C.jpg"), wild_image("4", "A.jpg")]


def test_words_reach_their_pages_in_any_order_of_the_document(monkeypatch):
    expected = read_wild(encode(wild_label(IMAGES, sorted(WORDS, key=lambda word: word["image_id"]))))
    assert [[word.text for word in page.words] for page in expected.pages] == [["가", ""], ["나", "다", "가"], ["###"]]
    assert expected.counts.notes == {"characters": 1, "words_ignored": 2}
    assert expected.counts.add_up
    turned = {"annotations": WORDS, "licenses": [], "images": IMAGES}
    for window, document in itertools.product((20, 200, 1 << 20), (wild_label(IMAGES, WORDS), turned)):
        monkeypatch.setattr(json_stream, "_WINDOW", window)
        found = read_wild(encode(document), 13)
        assert (found.pages, found.counts) == (expected.pages, expected.counts)


def test_byte_order_mark_and_cp949():
    text = json.dumps(wild_label(IMAGES[:1], WORDS[:1]), ensure_ascii=False)
    for data in (b"\xef\xbb\xbf" + text.encode(), text.encode("cp949")):
        assert [word.text for page in read_wild(data, 5).pages for word in page.words] == ["가"]
    with pytest.raises(LabelError, match="cp949"):
        read_wild(text.encode("cp949").replace("가".encode("cp949"), b"\xff\xff"))


def test_a_malformed_image_record_is_a_page_set_aside_and_its_words_with_it():
    images = [IMAGES[0], {"id": "2", "file_name": "B.jpg"}, "junk", {**IMAGES[2], "width": "60"}]
    parsed = read_wild(encode(wild_label(images, WORDS)))
    assert [page.image for page in parsed.pages] == ["A.jpg", "C.jpg"]
    assert [page.width for page in parsed.pages] == [60, 60]
    assert parsed.counts.reasons["page"] == {"label_unreadable": 2}
    assert parsed.counts.reasons["word"]["word_without_page"] == 4
    assert parsed.counts.add_up
    assert all(record.dataset == "text_in_wild" for record in parsed.quarantined)


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('{}[],:"\\xy'), max_size=6)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=12,
)
_OTHERS = st.dictionaries(_TEXTS.filter(lambda key: key.casefold() not in ("x", "y")), _VALUES, max_size=3)


@settings(max_examples=30)
@given(
    st.lists(_VALUES, max_size=6),
    _OTHERS,
    st.lists(_VALUES, max_size=3),
    st.integers(1, 60),
    st.integers(1, 30),
    st.sampled_from([None, 0, 2]),
)
def test_whatever_a_document_holds_is_read_as_by_json(x, others, y, window, size, indent):
    document = {"x": x, **others, "y": y}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_WINDOW", window)
        data = json.dumps(document, indent=indent, ensure_ascii=len(x) % 2 == 0).encode()
        assert streamed(data, size) == {"x": x, "y": y}
