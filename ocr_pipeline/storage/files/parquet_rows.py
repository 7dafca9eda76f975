"""Records into a parquet file, a row group at a time: memory stays that of one group; and what tells a damaged one."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import json as arrow_json

from ocr_pipeline.errors import PipelineError

_LARGEST_GROUP = 8 << 20  # bytes, for records that carry large raw ones


@contextlib.contextmanager
def demand_whole(path: Path, damaged: Callable[[Path, Exception], PipelineError]) -> Iterator[None]:
    """Let what a parquet file is damaged by, wherever reading it meets that, be the error of who wrote the file.

    Raises:
        PipelineError: what ``damaged`` makes of it.
    """
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError, msgspec.MsgspecError) as error:
        if isinstance(error, OSError) and error.errno:
            error.filename = error.filename or str(path)  # pyarrow does not name it
            raise  # the file itself is whole: it is not there, or not for us to read
        raise damaged(path, error) from error


def opened(path: Path, columns: Sequence[str]) -> pq.ParquetFile:
    """A file that has some columns; it is read with a look at the checksum of each page that has one.

    Raises:
        ArrowInvalid, OSError: it is damaged, or has not all of them.
    """
    file = pq.ParquetFile(path, page_checksum_verification=True)
    if missing := ", ".join(name for name in columns if name not in file.schema_arrow.names):
        raise pa.ArrowInvalid(f"it has no {missing}")
    return file


def batches(file: pq.ParquetFile, size: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """All rows of a file, at most so many at a time.

    Raises:
        ArrowInvalid, OSError: it is damaged.
    """
    left = file.metadata.num_rows
    for batch in file.iter_batches(size, columns=columns):
        left -= batch.num_rows
        yield batch
    if left:  # no checksum covers how many rows a page says that it has
        raise pa.ArrowInvalid(f"{left} rows are missing")


def opened_to_write(target: Path | io.BufferedWriter, schema: pa.Schema) -> pq.ParquetWriter:
    """A file to write, compressed, each page with a checksum."""
    return pq.ParquetWriter(target, schema, compression="zstd", write_page_checksum=True)


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
        self._writer = opened_to_write(self._file, self._schema)
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
