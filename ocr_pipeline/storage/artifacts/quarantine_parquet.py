"""The quarantine as a parquet file: one row per record, readable by pandas, DuckDB, Spark and the like."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import json as arrow_json

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Quarantined

ROW_GROUP = 4096
_LARGEST_GROUP = 8 << 20  # bytes, for records that carry large raw ones
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
        self._rows: list[bytes] = []
        self._size = 0

    def __enter__(self) -> ParquetRecords:
        self._file = self._path.open("wb")
        self._writer = pq.ParquetWriter(self._file, SCHEMA, compression="zstd")
        return self

    def write(self, record: Quarantined) -> None:
        row = msgspec.json.encode(msgspec.structs.asdict(record))
        self._rows.append(row)
        self._size += len(row)
        if len(self._rows) >= ROW_GROUP or self._size >= _LARGEST_GROUP:
            self._flush()

    def _flush(self) -> None:
        lines = b"\n".join(self._rows)  # by way of JSON, because a table of Python objects imports all of pandas
        table = arrow_json.read_json(
            io.BytesIO(lines),
            arrow_json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
            arrow_json.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="error"),
        )
        self._writer.write_table(table.combine_chunks())
        self._rows.clear()
        self._size = 0

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
