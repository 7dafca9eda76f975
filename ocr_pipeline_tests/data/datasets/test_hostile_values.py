"""A label of every form with any value at any place: its pages can be written and read back, and all is counted."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr_pipeline.data.datasets import LabelError, Parsed, source_partition
from ocr_pipeline.data.merged_json.labels import read_label
from ocr_pipeline.page import Page
from ocr_pipeline_tests.data.datasets.wild import read_wild
from ocr_pipeline_tests.trees import admin_label, corner_label, wild_image, wild_label, wild_word

Way = tuple[Any, ...]
"""Keys and places that lead to a value."""

FORMS: dict[str, Any] = {
    "handwriting_train": corner_label("가나", "글"),
    "ocr_public_valid": {"Bbox" if key == "bbox" else key: value for key, value in corner_label("가").items()},
    "finance_logistics_train": corner_label("가", None, "###"),
    "public_admin_train": admin_label("5350178-1999-0001-0344.jpg", "김해를", "시장"),
    "text_in_wild": wild_label(
        [wild_image("1", "a.jpg"), wild_image("2", "b.jpg")],
        [wild_word("1", "가", [1, 1, 9, 9]), wild_word("2", "나", [2, 2, 9, 9])],
    ),
}

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=5)
    | st.sampled_from(["\ud83d", "\r", "\0", "###", "1", "../x.jpg", "=1+1", 10**30, -1, 2**31, 1e300, "x" * 300]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def ways(value: Any, above: Way = ()) -> Iterator[Way]:
    """Every place of a document."""
    yield above
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in steps:
        yield from ways(below, (*above, step))


def put(document: Any, way: Way, value: Any) -> Any:
    if not way:
        return value
    changed = copy.deepcopy(document)
    inner = changed
    for step in way[:-1]:
        inner = inner[step]
    inner[way[-1]] = value
    return changed


def read(key: str, data: bytes) -> Parsed:
    if key == "text_in_wild":
        return read_wild(data, 64)
    return read_label(data, "TL/x.json", source_partition(key))


@pytest.mark.parametrize("key", FORMS)
@settings(max_examples=25)
@given(data=st.data())
def test_whatever_stands_anywhere_in_a_label(key: str, data: st.DataObject) -> None:
    document = FORMS[key]
    for _ in range(data.draw(st.integers(1, 2))):
        document = put(document, data.draw(st.sampled_from(list(ways(document)))), data.draw(VALUES))
    try:
        parsed = read(key, json.dumps(document).encode())
    except LabelError:
        assert key == "text_in_wild", "the label of one page is set aside, one of all ends the step"
        return
    assert parsed.counts.add_up
    assert sum(record.unit == "page" for record in parsed.quarantined) == parsed.counts.pages_quarantined
    for page in parsed.pages:
        assert msgspec.json.decode(msgspec.json.encode(page), type=Page) == page
        assert not {"/", "\0", "\n", "\r"} & set(page.image), "a name, never a path"
    assert all(msgspec.json.encode(record) for record in parsed.quarantined)
