"""The lineage as a parquet file: written as a stream, asked for a label file or a picture in a moment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import PICTURE_ENDINGS, nfc
from ocr_pipeline.storage.artifacts.lineage import LearntFrom, Trace
from ocr_pipeline.storage.files.parquet_rows import ParquetRows, batches, demand_whole, opened
from ocr_pipeline.storage.source.names import shown

ROW_GROUP = 100_000
_BATCH = 16_384
_LEARNT_FROM = b"ocr_pipeline.learnt_from"

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("label", "image", "dataset", "split")),
        ("words", pa.int64()),
        ("corrections", pa.list_(pa.string())),
        *((name, pa.string()) for name in ("artifact", "version", "role")),
    ]
)


class ParquetTraces(ParquetRows):
    """Writes traces to a lineage.

    Args:
        learnt_from: the data artifacts that they come from, for a checkpoint.
    """

    def __init__(self, path: Path, learnt_from: Sequence[LearntFrom] = ()) -> None:
        metadata = {_LEARNT_FROM: msgspec.json.encode(learnt_from)} if learnt_from else None
        super().__init__(path, SCHEMA.with_metadata(metadata), ROW_GROUP)


@dataclass(frozen=True)
class Wanted:
    """Which pages are asked for; all where neither is named.

    Attributes:
        label: a label file: its path below the share or on this machine, or how that ends.
        image: the name of a picture, whatever its case and ending.
    """

    label: str = ""
    image: str = ""

    def means(self, label: str, image: str) -> bool:
        """Whether it means a page."""
        return self.among(pa.RecordBatch.from_pydict({"label": [label], "image": [image]})).num_rows > 0

    def among(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows of a batch that it means."""
        if self.label:
            batch = batch.filter(self._is_label(batch.column("label")))
        if self.image:
            batch = batch.filter(pc.match_substring_regex(batch.column("image"), self._name, ignore_case=True))
        return batch

    def _is_label(self, labels: pa.Array) -> pa.Array:
        paths = [path.strip("/") for path in _spellings(self.label)]
        ends = [path[start:] for path in paths for start in (0, *(at.end() for at in re.finditer("/", path)))]
        is_meant = pc.is_in(labels, pa.array(ends, pa.string()))
        for path in paths:
            is_meant = pc.or_(is_meant, pc.ends_with(labels, f"/{path}"))
        return is_meant

    @property
    def _name(self) -> str:
        endings = "|".join(sorted(re.escape(ending) for ending in PICTURE_ENDINGS))
        names = (name.rpartition("/")[2] for name in _spellings(self.image))
        stems = (re.sub(f"(?:{endings})$", "", name, flags=re.IGNORECASE) for name in names)
        return f"^(?:{'|'.join(map(re.escape, stems))})(?:{endings})?$"


ALL = Wanted()


@dataclass(frozen=True)
class Pages:
    """Just these pages, each by label file and picture: all of them are looked for at once."""

    pages: frozenset[tuple[str, str]]

    def among(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows of a batch that are of one of them."""
        for place, name in enumerate(("label", "image")):
            wanted = pa.array(sorted({page[place] for page in self.pages}), pa.string())
            batch = batch.filter(pc.is_in(batch.column(name), wanted))
        return batch.filter(pa.array([page in self.pages for page in _pages_of(batch)], pa.bool_()))


def _pages_of(batch: pa.RecordBatch) -> list[tuple[str, str]]:
    return list(zip(batch.column("label").to_pylist(), batch.column("image").to_pylist(), strict=True))


def _spellings(given: str) -> list[str]:
    r"""A name or path as a lineage may have it: in NFC, what is no text as escapes; ``Z:\a\b`` is a path as well."""
    return list(dict.fromkeys(nfc(shown(name)) for name in (given, given.replace("\\", "/"))))


def read_traces(path: Path, wanted: Wanted | Pages = ALL) -> Iterator[Trace]:
    """The pages of a lineage, as a stream.

    Raises:
        PipelineError: the file is damaged.
    """
    with demand_whole(path, _damaged), opened(path, SCHEMA.names) as file:
        for batch in batches(file, _BATCH, SCHEMA.names):
            for row in wanted.among(batch).to_pylist():
                yield msgspec.convert(row, Trace)


def read_learnt_from(path: Path) -> list[LearntFrom]:
    """The data artifacts that a checkpoint learnt from; none in the lineage of such an artifact.

    Raises:
        PipelineError: the file is damaged.
    """
    with demand_whole(path, _damaged), opened(path, SCHEMA.names) as file:
        said = (file.schema_arrow.metadata or {}).get(_LEARNT_FROM)
        return msgspec.json.decode(said, type=list[LearntFrom]) if said else []


Corrected = Mapping[tuple[str, str], tuple[str, ...]]
"""(label, image) of a page -> the corrections that were applied to it."""


def read_corrected(path: Path) -> Corrected:
    """The corrected pages of a lineage; none where there is no such file.

    Raises:
        PipelineError: the file is damaged.
    """
    if not path.exists():
        return {}
    columns = ["label", "image", "corrections"]
    with demand_whole(path, _damaged), opened(path, columns) as file:
        corrected = (
            batch.filter(pc.greater(pc.list_value_length(batch.column("corrections")), 0))
            for batch in batches(file, _BATCH, columns)
        )
        rows = (row for batch in corrected for row in batch.to_pylist())
        return {(row["label"], row["image"]): tuple(row["corrections"]) for row in rows}


def _damaged(path: Path, error: Exception) -> PipelineError:
    return PipelineError(
        f"the lineage cannot be read ({error})",
        where=path,
        remedy="Delete it with the manifest that stands beside it, and materialise the asset again; that of a "
        "checkpoint bring back from a backup, or remove the checkpoint.",
    )
