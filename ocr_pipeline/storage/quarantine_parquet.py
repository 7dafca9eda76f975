"""The quarantine as a parquet file: one row per record, readable by pandas, DuckDB, Spark and the like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.quarantine import Quarantined

ROW_GROUP = 4096
_BATCH = 1024

SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("split", pa.string()),
        ("label", pa.string()),
        ("image", pa.string()),
        ("word", pa.int64()),
        ("unit", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("words", pa.int64()),
        ("raw", pa.string()),
    ]
)


class ParquetRecords:
    """Writes records to a file, a row group at a time; the same records give the same bytes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: list[dict[str, Any]] = []

    def __enter__(self) -> ParquetRecords:
        self._file = self._path.open("wb")
        self._writer = pq.ParquetWriter(self._file, SCHEMA, compression="zstd")
        return self

    def write(self, record: Quarantined) -> None:
        self._rows.append(msgspec.structs.asdict(record))
        if len(self._rows) >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_table(pa.Table.from_pylist(self._rows, schema=SCHEMA))
        self._rows.clear()

    def __exit__(self, kind: object, *_: object) -> None:
        with self._file, self._writer:
            if kind is None and self._rows:
                self._flush()


def read_records(path: Path) -> Iterator[Quarantined]:
    """Stream the records of a parquet file.

    Raises:
        PipelineError: it is damaged, or no quarantine.
    """
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH, columns=SCHEMA.names):
                for row in batch.to_pylist():
                    yield Quarantined(**row)
    except (pa.ArrowInvalid, TypeError) as error:
        raise PipelineError(
            f"the quarantine cannot be read ({error})",
            where=path,
            remedy="Delete it with the manifest beside it, and materialise the asset again.",
        ) from error
