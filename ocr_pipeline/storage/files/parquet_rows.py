"""Records into a parquet file, a row group at a time: memory stays that of one group."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import json as arrow_json

_LARGEST_GROUP = 8 << 20  # bytes, for records that carry large raw ones


class ParquetRows:
    """Writes records to a file; the same records give the same bytes.

    Args:
        schema: the names of the records' fields, and their types.
        row_group: most rows that are kept in memory.
    """

    def __init__(self, path: Path, schema: pa.Schema, row_group: int) -> None:
        self._path, self._schema, self._row_group = path, schema, row_group
        self._rows: list[bytes] = []
        self._size = 0

    def __enter__(self):
        self._file = self._path.open("wb")
        self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd")
        return self

    def write(self, record: msgspec.Struct) -> None:
        row = msgspec.json.encode(msgspec.structs.asdict(record))
        self._rows.append(row)
        self._size += len(row)
        if len(self._rows) >= self._row_group or self._size >= _LARGEST_GROUP:
            self._flush()

    def _flush(self) -> None:
        lines = b"\n".join(self._rows)  # by way of JSON, because a table of Python objects imports all of pandas
        table = arrow_json.read_json(
            io.BytesIO(lines),
            arrow_json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
            arrow_json.ParseOptions(explicit_schema=self._schema, unexpected_field_behavior="error"),
        )
        self._writer.write_table(table.combine_chunks())
        self._rows.clear()
        self._size = 0

    def __exit__(self, kind: object, *_: object) -> None:
        with self._file, self._writer:
            if kind is None and self._rows:
                self._flush()
