"""Keys that stand twice in one object: JSON leaves open which value counts (RFC 8259, section 4), so none does.

A key with several values has, instead of one, the object ``{"stands twice": [values]}``: nothing takes that for a text,
a number or a box, and the reader of a record says what is wrong with it. Where all values are the same, it is that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import msgspec

from ocr_pipeline.data.datasets.dataset import LabelError

_TWICE = "stands twice"
_ESCAPED = re.compile(rb"\\u00[2-7]")


def one_value_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of its keys and values, as `json` hands them to an ``object_pairs_hook``."""
    made = dict(pairs)
    if len(made) < len(pairs):
        values: dict[str, list[Any]] = {}
        for key, value in pairs:
            values.setdefault(key, []).append(value)
        made |= {key: {_TWICE: several} for key, several in values.items() if _differ(several)}
    return made


def the_value(record: Mapping[str, Any], names: list[str]) -> Any:
    """What a record says under one key, however many times and in whatever spellings it does.

    Raises:
        LabelError: it says different things.
    """
    value = record[names[0]]
    if isinstance(value, dict) and _TWICE in value:
        raise LabelError(f"the key {names[0]} stands twice in one object, with different values")
    if len(names) > 1 and _differ([record[name] for name in names]):
        raise LabelError(f"the keys {' and '.join(names)} stand in one object, with different values")
    return value


def parsed(text: str) -> Any:
    """A JSON text with `one_value_each`.

    Raises:
        ValueError: it is no JSON.
    """
    return json.loads(text, object_pairs_hook=one_value_each)


def demand_one_value_each(data: bytes) -> None:
    """Raise a LabelError if a JSON text says different things under one key, be it read or not."""

    def demanded(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        record = one_value_each(pairs)
        for key in record:
            the_value(record, [key])
        return record

    json.loads(data, object_pairs_hook=demanded)


def may_spell_otherwise(data: bytes) -> bool:
    """Whether a JSON text has letters written as escapes: its keys are then not found by their bytes."""
    return b"\\" in data and _ESCAPED.search(data) is not None


def all_stand_once(data: bytes, records: int, kind: type) -> bool:
    """Whether a JSON text that decodes into so many structs has each of their keys once in each record."""
    if may_spell_otherwise(data):
        return False
    return all(_at_most(data, key) == records or data.count(key) == records for key in _quoted_keys(kind))


def _at_most(data: bytes, key: bytes) -> int:
    """How often a key stands in a text by its first four bytes: never too little, and in a third of the time."""
    import numpy as np  # costs every command 50 ms; what reads a streamed document needs it

    if len(key) < 4:
        return data.count(key)
    views = (np.frombuffer(data, np.uint32, (len(data) - shift) // 4, shift) for shift in range(4))
    return sum(int(np.count_nonzero(view == np.frombuffer(key, np.uint32, 1))) for view in views)


@cache
def _quoted_keys(kind: type) -> tuple[bytes, ...]:
    return tuple(b'"%b"' % key.encode() for key in _keys(kind))


def _keys(kind: type) -> Iterable[str]:
    """The keys of a struct and of those in it; where those of one in it stand once, its own does."""
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _keys(field.type)
        else:
            yield field.encode_name


def _differ(values: list[Any]) -> bool:
    return len(set(map(repr, values))) > 1  # True is 1, and NaN is not NaN
