"""The quarantine as a parquet file: one row per record, readable by pandas, DuckDB, Spark and the like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Quarantined
from ocr_pipeline.storage.files.parquet_rows import ParquetRows, batches, demand_whole, opened

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


class ParquetRecords(ParquetRows):
    """Writes records to a quarantine."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA, ROW_GROUP)


def read_records(path: Path) -> Iterator[Quarantined]:
    """Stream the records of a parquet file.

    Raises:
        PipelineError: it is damaged, or no quarantine.
    """
    with demand_whole(path, _damaged), opened(path, SCHEMA.names) as file:
        for batch in batches(file, _BATCH, SCHEMA.names):
            for row in batch.to_pylist():
                yield Quarantined(**row)


def _damaged(path: Path, error: Exception) -> PipelineError:
    return PipelineError(
        f"the quarantine cannot be read ({error})",
        where=path,
        remedy="Delete it with the manifest beside it, and materialise the asset again.",
    )
