"""``suspects/<partition>_suspects.parquet``: the suspects of a partition, the likeliest errors first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ocr_pipeline.data.review.suspects.suspect import Suspect
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.parquet_rows import batches, demand_whole, opened, opened_to_write

_READERS = b"ocr_pipeline.readers"
_ROWS = 2000  # of one row group, and in memory

SCHEMA = pa.schema(
    [
        ("label", pa.string()),
        ("image", pa.string()),
        ("word", pa.int64()),
        ("text", pa.string()),
        ("quad", pa.list_(pa.list_(pa.float64(), 2), 4)),
        ("kind", pa.dictionary(pa.int8(), pa.string())),
        ("reading", pa.string()),
        ("readings", pa.list_(pa.struct([("text", pa.string()), ("confidence", pa.float64())]))),
        ("evidence", pa.float64()),
        ("error_rate", pa.float64()),
        ("picture", pa.string()),
        ("is_turned", pa.bool_()),
        ("quarters", pa.int8()),
    ]
)


def write_suspects(path: Path, suspects: Iterable[Suspect], readers: Iterable[str]) -> None:
    """Write suspects in their order, with the names of who read them."""
    schema, rest = SCHEMA.with_metadata({_READERS: msgspec.json.encode(list(readers))}), iter(suspects)
    with opened_to_write(path, schema) as writer:
        while rows := [_columns(suspect) for suspect in islice(rest, _ROWS)]:
            writer.write_table(pa.Table.from_pylist(rows, schema))


def read_suspects(path: Path, most: int | None = None) -> Iterator[Suspect]:
    """The suspects of a partition, the likeliest errors first, and at most so many.

    Raises:
        PipelineError: there are none yet, or the file is damaged.
    """
    return islice(_rows(path), most)


def reader_names(path: Path) -> list[str]:
    """Who read, in the order of the readings.

    Raises:
        PipelineError: as `read_suspects`.
    """
    with _opened(path) as file:
        return msgspec.json.decode((file.schema_arrow.metadata or {}).get(_READERS, b"[]"), type=list[str])


def _rows(path: Path) -> Iterator[Suspect]:
    with _opened(path) as file:
        for batch in batches(file, _ROWS, SCHEMA.names):
            yield from (_suspect(row) for row in batch.to_pylist())


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    if not path.exists():
        raise PipelineError(
            "no suspects were searched for yet", where=path, remedy="Run `ocr-pipeline suspects` first."
        )
    with demand_whole(path, _damaged), opened(path, SCHEMA.names) as file:
        yield file


def _columns(suspect: Suspect) -> dict[str, Any]:
    return {**msgspec.structs.asdict(suspect), "readings": [reading._asdict() for reading in suspect.readings]}


def _suspect(row: dict[str, Any]) -> Suspect:
    readings = [(reading["text"], reading["confidence"]) for reading in row["readings"]]
    return msgspec.convert({**row, "readings": readings}, Suspect)


def _damaged(path: Path, error: Exception) -> PipelineError:
    return PipelineError(
        f"the suspects cannot be read ({error})", where=path, remedy="Delete the file and run `ocr-pipeline suspects`."
    )
