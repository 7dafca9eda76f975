"""One label file -> pages, tolerant of what AI-Hub ships and strict about what it cannot tell."""

from __future__ import annotations

import codecs

from ocr_pipeline.data.datasets import LabelError, Parsed, SourcePartition
from ocr_pipeline.data.datasets.doubled_keys import parsed
from ocr_pipeline.page import Quarantined


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

    NaN, halves of characters and keys that stand twice are left in it: each costs what cannot do with it.

    Raises:
        LabelError: it is no JSON in any of the encodings, or nested without end.
    """
    text = _text(data)
    try:
        return parsed(text)
    except RecursionError as error:
        raise LabelError("no valid JSON: nested too deeply") from error
    except ValueError as error:
        raise LabelError(f"no valid JSON: {error}") from error


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
