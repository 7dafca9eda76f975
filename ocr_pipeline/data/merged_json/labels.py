"""One label file -> pages, tolerant of what AI-Hub ships and strict about what it cannot tell."""

from __future__ import annotations

import codecs
import json
import re

import msgspec

from ocr_pipeline.data.datasets import LabelError, Parsed, SourcePartition
from ocr_pipeline.page import Quarantined

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')


def read_label(data: bytes, label: str, partition: SourcePartition) -> Parsed:
    """Read one label file; one that cannot be read comes back as a quarantined page, never as an error.

    Args:
        data: the file's bytes: UTF-8 with or without byte order mark, or cp949.
        label: its path on the share.
    """
    split = partition.split or ""
    try:
        usual = partition.dataset.read_usual(data, label, split)
        return partition.dataset.read(decode_json(data), label, split) if usual is None else usual
    except LabelError as error:
        return unreadable(label, partition, str(error), data)


def unreadable(
    label: str, partition: SourcePartition, why: str, data: bytes = b"", reason: str = "label_unreadable"
) -> Parsed:
    """A label file that cannot be read, as a quarantined page."""
    parsed = Parsed()
    parsed.counts.pages_in = 1
    parsed.set_aside(
        Quarantined(
            unit="page",
            reason=reason,
            dataset=partition.dataset.name,
            split=partition.split or "",
            label=label,
            detail=why,
            raw=data[:200].decode("utf-8", "replace"),
        )
    )
    return parsed


def decode_json(data: bytes) -> object:
    """Parse JSON text: in UTF-8, in UTF-16 if a byte order mark says so, or in cp949.

    What msgspec is too strict for (NaN, halves of characters) is left to the standard library: it costs that word only.

    Raises:
        LabelError: it is no JSON in any of the encodings, nested without end, or an object has one key twice, of which
            either could be meant.
    """
    try:
        document, text = _decoded(data)
        if _STRING.sub(b"", text).count(b":") != _keys(document):
            raise LabelError("a key stands twice in one object")
    except RecursionError as error:
        raise LabelError("no valid JSON: nested too deeply") from error
    return document


def _decoded(data: bytes) -> tuple[object, bytes]:
    """The document, and its text in UTF-8."""
    plain = data.removeprefix(codecs.BOM_UTF8)
    try:
        return msgspec.json.decode(plain), plain
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        text = _text(data)
        try:
            return json.loads(text), text.encode()
        except ValueError:
            raise LabelError(f"no valid JSON: {error}") from error


def _keys(value: object) -> int:
    """How many keys all objects in a document have."""
    if isinstance(value, dict):
        return len(value) + sum(map(_keys, value.values()))
    return sum(map(_keys, value)) if isinstance(value, list) else 0


def _text(data: bytes) -> str:
    """The text of a label file.

    Raises:
        LabelError: it is in none of the encodings.
    """
    has_mark = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if has_mark else ("utf-8-sig", "cp949"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise LabelError("no valid JSON: neither UTF-8 nor cp949")
