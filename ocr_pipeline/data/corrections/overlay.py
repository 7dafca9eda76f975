"""``corrections/<dataset>_<split>.parquet``: all that people said of the labels of one partition.

The file is what people did and cannot be made again, so it has no manifest: it is replaced whole, by one rename.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
import pyarrow as pa

from ocr_pipeline.data.corrections.applying import NONE, Corrections
from ocr_pipeline.data.corrections.record import Correction
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.depot import depot_of
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.parquet_rows import batches, demand_whole, opened, opened_to_write
from ocr_pipeline.storage.files.publishing import publish_file

_EFFECT = b"ocr_pipeline.effect"
_BATCH = 16_384
_QUADS = ("before_quad", "after_quad")
_quad = pa.list_(pa.float64(), 8)
_moment = pa.timestamp("us", tz="UTC")

SCHEMA = pa.schema(
    [
        ("label", pa.string()),
        ("image", pa.string()),
        ("word", pa.int64()),
        ("action", pa.string()),
        ("before", pa.string()),
        ("after", pa.string()),
        ("before_quad", _quad),
        ("after_quad", _quad),
        ("why", pa.string()),
        ("who", pa.string()),
        ("when", _moment),
        ("review", pa.string()),
        ("note", pa.string()),
        ("undone", _moment),
    ]
)


def corrections_effect(workspace: Workspace, partition: str) -> str:
    """The fingerprint of the corrections that hold, without reading them; empty where they change nothing.

    Raises:
        PipelineError: the overlay is damaged.
    """
    path = workspace.corrections(partition)
    if not _is_there(path):
        return ""
    with demand_whole(path, _damaged), opened(path, _QUADS) as file:
        return (file.schema_arrow.metadata or {}).get(_EFFECT, b"").decode()


def read_corrections(workspace: Workspace, partition: str) -> Corrections:
    """The corrections of a partition that hold.

    Raises:
        PipelineError: the overlay is damaged.
    """
    rows = read_overlay(workspace.corrections(partition))
    return Corrections.of(rows) if rows else NONE


def read_overlay(path: Path) -> list[Correction]:
    """All rows, also those that were taken back; none where there is no overlay.

    Raises:
        PipelineError: it is damaged.
    """
    if not _is_there(path):
        return []
    with demand_whole(path, _damaged), opened(path, _QUADS) as file:
        return [_row(row) for batch in batches(file, _BATCH, SCHEMA.names) for row in batch.to_pylist()]


def write_overlay(path: Path, rows: Iterable[Correction]) -> None:
    """Put an overlay in the place of the one that is there; the same rows give the same bytes, in any order."""
    ordered = sorted(rows, key=lambda row: (row.place, row.when, row.review, row.action))
    effect = Corrections.of(ordered).fingerprint
    schema = SCHEMA.with_metadata({_EFFECT: effect.encode()})
    with publish_file(path) as draft, opened_to_write(draft, schema) as writer:
        writer.write_table(pa.Table.from_pylist(list(map(_columns, ordered)), schema))
    if depot := depot_of(path):
        depot.send_file(path)


def _is_there(path: Path) -> bool:
    depot = depot_of(path)
    content = depot.read(path) if depot else None
    if content is not None:
        with publish_file(path) as draft:
            draft.write_bytes(content)
    return path.exists()


def _columns(row: Correction) -> dict[str, object]:
    quads = {name: _flat(getattr(row, name)) for name in _QUADS}
    return {**msgspec.structs.asdict(row), **quads}


def _flat(quad: tuple[tuple[float, float], ...] | None) -> list[float] | None:
    return None if quad is None else [value for point in quad for value in point]


def _row(columns: dict[str, object]) -> Correction:
    for name in _QUADS:
        flat = columns[name]
        if isinstance(flat, list):
            columns[name] = list(zip(flat[::2], flat[1::2], strict=True))
    return msgspec.convert(columns, Correction)


def _damaged(path: Path, error: Exception) -> PipelineError:
    return PipelineError(
        f"the corrections cannot be read ({error})",
        where=path,
        remedy="Restore the file from a copy, or move it away, import the saved reviews again and mark "
        "again what is to be forgotten.",
    )
