"""PDFs as files, on disks that may be full."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO, cast

from pikepdf import Pdf

from ocr_pipeline.storage.files.publishing import mendable


def save_pdf(pdf: Pdf, path: Path) -> None:
    """Write a PDF; the same document gives the same bytes.

    Raises:
        PipelineError: the folder cannot be written to, or the disk is full.
    """
    with mendable(path), path.open("wb") as file:
        writer = _Patient(file)
        pdf.save(cast("BinaryIO", writer), deterministic_id=True)
        if writer.fault:
            raise writer.fault


class _Patient(io.RawIOBase):
    """Keeps the first fault of a file to itself: qpdf, told of it within a document, ends the whole process."""

    def __init__(self, file: io.BufferedWriter) -> None:
        self._file = file
        self.fault: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        if self.fault is None:
            try:
                self._file.write(data)
            except OSError as error:
                self.fault = error
        return memoryview(data).nbytes
