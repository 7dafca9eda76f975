"""The merged JSON: one valid JSON document, written and read as a stream with one page on each line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Page

FORMAT = "ocr_pipeline.merged_json/1"
LINE_END = b",\n"
_END = b"]}"


def write_document(file: IO[bytes], partition: str, parts: Iterable[Path]) -> None:
    """Write the document around files of page lines, each of them a JSON object and `LINE_END`."""
    head = msgspec.json.encode({"format": FORMAT, "partition": partition})
    file.write(head[:-1] + b',"pages":[\n')
    start = file.tell()
    for part in parts:
        with part.open("rb") as lines:
            shutil.copyfileobj(lines, file, 1 << 20)
    if file.tell() > start:
        file.seek(-len(LINE_END), os.SEEK_CUR)
        file.write(b"\n")
    file.truncate()
    file.write(_END + b"\n")


def is_merged_json(path: Path) -> bool:
    """Whether a file begins as `write_document` begins one."""
    with path.open("rb") as file:
        return FORMAT.encode() in file.read(len(FORMAT) + 20)


def read_lines(path: Path) -> Iterator[Page]:
    """Stream the pages; memory stays that of one page.

    Raises:
        PipelineError: a line is no page, or the document ends early.
    """
    decoder = msgspec.json.Decoder(Page)
    with path.open("rb") as file:
        file.readline()
        line = b""
        for number, line in enumerate(file, start=2):
            if line.startswith(_END):
                return
            try:
                yield decoder.decode(line.rstrip(LINE_END))
            except msgspec.DecodeError as error:
                raise _damaged(path, f"line {number} is no page ({error})") from error
    raise _damaged(path, "it ends early")


def _damaged(path: Path, what: str) -> PipelineError:
    return PipelineError(
        f"the merged JSON is damaged: {what}", where=path, remedy="Delete it and materialise merged_json again."
    )
