"""One label file -> pages, tolerant of what AI-Hub ships and strict about what it cannot tell."""

from __future__ import annotations

import codecs

import msgspec

from ocr_pipeline.data.datasets import LabelError, Parsed, SourcePartition
from ocr_pipeline.page import Quarantined


def read_label(data: bytes, label: str, partition: SourcePartition) -> Parsed:
    """Read one label file; one that cannot be read comes back as a quarantined page, never as an error.

    Args:
        data: the file's bytes: UTF-8 with or without byte order mark, or cp949.
        label: its path on the share.
    """
    split = partition.split or ""
    usual = partition.dataset.read_usual(data, label, split)
    if usual is not None:
        return usual
    try:
        return partition.dataset.read(decode_json(data), label, split)
    except LabelError as error:
        return unreadable(label, partition, str(error), data)


def unreadable(label: str, partition: SourcePartition, why: str, data: bytes = b"") -> Parsed:
    """A label file that cannot be read, as a quarantined page."""
    parsed = Parsed()
    parsed.counts.pages_in = 1
    parsed.set_aside(
        Quarantined(
            unit="page",
            reason="label_unreadable",
            dataset=partition.dataset.name,
            split=partition.split or "",
            label=label,
            detail=why,
            raw=data[:200].decode("utf-8", "replace"),
        )
    )
    return parsed


def decode_json(data: bytes) -> object:
    """Parse JSON text.

    Raises:
        LabelError: it is no JSON in any of the encodings.
    """
    try:
        return msgspec.json.decode(data.removeprefix(codecs.BOM_UTF8))
    except UnicodeDecodeError:
        return _decode_cp949(data)
    except msgspec.DecodeError as error:
        if "utf-8" in str(error).lower():
            return _decode_cp949(data)
        raise LabelError(f"no valid JSON: {error}") from error


def _decode_cp949(data: bytes) -> object:
    try:
        return msgspec.json.decode(data.decode("cp949"))
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        raise LabelError(f"neither UTF-8 nor cp949 JSON: {error}") from error
