"""The merged JSON: one valid JSON document, written and read as a stream with one page on each line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Page

FORMAT = "ocr_pipeline.merged_json/1"
_END = b"]}"


def write_lines(file: IO[bytes], partition: str, lines: Iterable[bytes]) -> None:
    """Write the document around page lines (each a JSON object without a line break)."""
    head = msgspec.json.encode({"format": FORMAT, "partition": partition})
    file.write(head[:-1] + b',"pages":[')
    separator = b"\n"
    for line in lines:
        file.write(separator + line)
        separator = b",\n"
    file.write(b"\n" + _END + b"\n")


def is_merged_json(path: Path) -> bool:
    """Whether a file begins as `write_lines` begins one."""
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
                yield decoder.decode(line.rstrip(b",\n"))
            except msgspec.DecodeError as error:
                raise _damaged(path, f"line {number} is no page ({error})") from error
    raise _damaged(path, "it ends early")


def _damaged(path: Path, what: str) -> PipelineError:
    return PipelineError(
        f"the merged JSON is damaged: {what}", where=path, remedy="Delete it and materialise merged_json again."
    )
