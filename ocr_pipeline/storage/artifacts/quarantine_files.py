"""The quarantine on disk: published as parquet, read as parquet or as the JSON lines of shards and older artifacts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from ocr_pipeline.storage.artifacts.quarantine import Quarantined
from ocr_pipeline.storage.files.publishing import publish_file


class QuarantineWriter:
    """Publishes a quarantine, record by record, as parquet; memory stays that of one row group.

    Use it as a context manager: the file appears when the block ends well, and takes the place of an older one that
    is JSON lines.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._open = ExitStack()

    def __enter__(self) -> QuarantineWriter:
        from ocr_pipeline.storage.artifacts.quarantine_parquet import (
            ParquetRecords,  # costs 65 MB, which workers do without
        )

        with ExitStack() as opening:
            draft = opening.enter_context(publish_file(self._target))
            self._records = opening.enter_context(ParquetRecords(draft))
            self._open = opening.pop_all()
        return self

    def write(self, record: Quarantined) -> None:
        self._records.write(record)

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)
        if error[0] is None:
            _older(self._target).unlink(missing_ok=True)


def write_quarantine(target: Path, records: Iterable[Quarantined]) -> None:
    """Publish the records; an empty quarantine is a file without rows."""
    with QuarantineWriter(target) as quarantine:
        for record in records:
            quarantine.write(record)


def read_quarantine(path: Path) -> Iterator[Quarantined]:
    """Stream the records of a quarantine, parquet or JSON lines (as the parts of shards and older artifacts are).

    Raises:
        PipelineError: the file is damaged.
    """
    if not path.exists() and _older(path).exists():
        path = _older(path)
    if path.suffix == ".jsonl":
        yield from _read_lines(path)
        return
    from ocr_pipeline.storage.artifacts.quarantine_parquet import read_records

    yield from read_records(path)


def _older(path: Path) -> Path:
    return path.with_suffix(".jsonl")


def _read_lines(path: Path) -> Iterator[Quarantined]:
    decoder = msgspec.json.Decoder(Quarantined)
    with path.open("rb") as file:
        for line in file:
            yield decoder.decode(line)
