"""What stands in parquet files: damaged anywhere, it is told with a remedy or read as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from ocr_pipeline.data.corrections import read_overlay, write_overlay
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Quarantined
from ocr_pipeline.storage.artifacts.lineage import LearntFrom, Trace
from ocr_pipeline.storage.artifacts.lineage_parquet import (
    ParquetTraces,
    Wanted,
    read_corrected,
    read_learnt_from,
    read_traces,
)
from ocr_pipeline.storage.artifacts.quarantine_parquet import ParquetRecords, read_records
from ocr_pipeline_tests.data.corrections.making import said


class Kind(NamedTuple):
    write: Callable[[Path], None]
    read: Callable[[Path], object]


def lineage(path: Path) -> None:
    learnt = LearntFrom("a.lmdb", "1f", "", "2026-01-01T00:00:00+00:00", "1", {"merged_json": "2e"}, True)
    with ParquetTraces(path, [learnt]) as file:
        for number in range(40):
            file.write(
                Trace(f"라벨/{number}.json", f"{number}.png", "handwriting", "train", number, ("가",) * (number % 2))
            )


def quarantine(path: Path) -> None:
    with ParquetRecords(path) as file:
        for number in range(40):
            file.write(
                Quarantined("page", "image_missing", "handwriting", "train", f"{number}.json", raw="가" * number)
            )


KINDS = {
    "lineage": Kind(lineage, lambda path: list(read_traces(path))),
    "lineage asked": Kind(lineage, lambda path: list(read_traces(path, Wanted(image="7.jpg")))),
    "learnt from": Kind(lineage, read_learnt_from),
    "corrected": Kind(lineage, read_corrected),
    "quarantine": Kind(quarantine, lambda path: list(read_records(path))),
    "corrections": Kind(lambda path: write_overlay(path, [said(0, 0, "가", after="나")]), read_overlay),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_damaged_file_is_told_and_rows_are_never_others(kind: Kind, tmp_path: Path) -> None:
    file = tmp_path / "file.parquet"
    kind.write(file)
    whole, right = file.read_bytes(), kind.read(file)
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for place in range(0, len(whole), 7):
        file.write_bytes(whole[:place])
        with pytest.raises(PipelineError, match="cannot be read"):
            kind.read(file)
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        try:
            found = kind.read(file)
        except PipelineError as error:
            assert "cannot be read" in str(error) and str(file) in str(error)
        else:
            assert found == right or place >= footer  # which has no checksum, and pages have


def test_what_is_not_there_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read_traces(tmp_path / "nothing.parquet"))
