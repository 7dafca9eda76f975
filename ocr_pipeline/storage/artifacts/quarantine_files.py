"""The quarantine on disk: published as parquet, read as parquet or as the JSON lines of shards and older artifacts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from ocr_pipeline.page import Quarantined


def read_quarantine(path: Path) -> Iterator[Quarantined]:
    """Stream the records of a quarantine, parquet or JSON lines (as the parts of shards and older artifacts are).

    Raises:
        PipelineError: the file is damaged.
    """
    if not path.exists() and older_quarantine(path).exists():
        path = older_quarantine(path)
    if path.suffix == ".jsonl":
        yield from _read_lines(path)
        return
    from ocr_pipeline.storage.artifacts.quarantine_parquet import read_records

    yield from read_records(path)


def older_quarantine(path: Path) -> Path:
    """Where earlier versions kept it."""
    return path.with_suffix(".jsonl")


def _read_lines(path: Path) -> Iterator[Quarantined]:
    decoder = msgspec.json.Decoder(Quarantined)
    with path.open("rb") as file:
        for line in file:
            yield decoder.decode(line)
