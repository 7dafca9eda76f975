"""Sums of the files that an artifact names and does not hold, such as the crops of a JSONL: one line for each.

``<artifact>.sums`` beside it has CRC-32, size in bytes and path from the artifact's folder. An artifact without such
files, or of an earlier version, has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ocr_pipeline.storage.files.fingerprints import has_sum

SUMS = "sums"


def sum_line(crc: int, size: int, name: str) -> bytes:
    """The line of one file."""
    return f"{crc:08x} {size} {name}\n".encode()


def differing_sums(artifact: Path) -> Iterator[str]:
    """The files named beside an artifact that are not there as they were written."""
    sums = artifact.with_name(f"{artifact.name}.{SUMS}")
    if not sums.is_file():
        return
    with sums.open(encoding="utf-8") as lines:
        for line in lines:
            crc, size, name = line.rstrip("\n").split(" ", 2)
            if not has_sum(f"{artifact.parent}/{name}", int(size), int(crc, 16)):
                yield name
