"""The quarantine as a parquet file: one row per record, readable by pandas, DuckDB, Spark and the like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Quarantined
from ocr_pipeline.storage.files.parquet_rows import ParquetRows

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
