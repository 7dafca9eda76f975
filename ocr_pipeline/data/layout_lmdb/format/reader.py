"""Samples out of a layout LMDB: format 2, and format 1 of the earlier scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ocr_pipeline.data.layout_lmdb.format.legacy import decode_legacy_record
from ocr_pipeline.data.layout_lmdb.format.record import LayoutRecord
from ocr_pipeline.data.layout_lmdb.format.writer import FORMAT_VERSION
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.lmdb_files import LmdbReader
from ocr_pipeline.storage.files.lmdb_parts import PartReaders, read_parts

_OLD_VERSIONS = (None, "1")  # the oldest files do not say
_decoder = msgspec.json.Decoder(LayoutRecord)


class LayoutReader:
    """Random access to the samples of one layout LMDB, in parts or not; may be pickled and may cross a fork.

    Attributes:
        path: the LMDB's folder.
        meta: what the samples were made with; empty for format 1.

    Raises:
        PipelineError: there is no layout LMDB at the path, a part of it is missing, or its format is unknown.
    """

    def __init__(self, path: Path) -> None:
        self.path, parts = Path(path), read_parts(Path(path))
        self._parts = PartReaders(self.path, parts, _LayoutFile) if parts else None
        self._first = self._parts.reader(0) if self._parts else _LayoutFile(self.path)
        self.meta = self._first.meta

    def __len__(self) -> int:
        return len(self._first if self._parts is None else self._parts)

    def read(self, index: int) -> tuple[bytes, LayoutRecord]:
        """The encoded picture and the record of sample ``index``, counted from 0.

        Raises:
            IndexError: there is no such sample.
            PipelineError: the sample is missing from the file or cannot be read.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)} in {self.path}")
        file, own = (self._first, index) if self._parts is None else self._parts.holder(index)
        return file.read(own)


class _LayoutFile:
    """The same of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lmdb = LmdbReader(path)
        if any(self._lmdb.get_many(("label-000000000", "label-000000001"))):
            raise PipelineError(
                "this LMDB holds word crops (step 4, for the recognizer), and a detector reads layouts",
                where=self.path,
                remedy="Give a *_layout.lmdb of step 5 (`ocr-pipeline layout`).",
            )
        count, version = self._text("num-samples"), self._text("format_version")
        if count is None or not count.isdecimal() or version not in (*_OLD_VERSIONS, FORMAT_VERSION):
            raise PipelineError(
                f"not a layout LMDB (num-samples {count}, format_version {version})",
                where=self.path,
                remedy="Give a *_layout.lmdb folder, or make it again with this version of the pipeline.",
            )
        self._count = int(count)
        self._old = version in _OLD_VERSIONS
        self._first = 0 if self._old and self._lmdb.get("gt-000000000") is not None else 1
        self.meta: dict[str, Any] = msgspec.json.decode(self._text("layout-model") or "{}")

    def __len__(self) -> int:
        return self._count

    def read(self, index: int) -> tuple[bytes, LayoutRecord]:
        number = index + self._first
        image, record = self._lmdb.get_many((f"image-{number:09d}", f"gt-{number:09d}"))
        if image is None or record is None:
            raise self._damaged(index, "it is missing")
        try:
            return image, decode_legacy_record(record, image) if self._old else _decoder.decode(record)
        except ValueError as error:
            raise self._damaged(index, str(error)) from error

    def _text(self, key: str) -> str | None:
        value = self._lmdb.get(key)
        return None if value is None else value.decode()

    def _damaged(self, index: int, why: str) -> PipelineError:
        return PipelineError(
            f"sample {index} cannot be read ({why})", where=self.path, remedy="Make or copy the LMDB again."
        )
