"""An LMDB of one step that is given to the reader of another is no damaged one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.data.layout_lmdb import LayoutReader
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.lmdb_files import LmdbWriter


def lmdb(path: Path, kind: str, first: int) -> Path:
    with LmdbWriter(path) as writer:
        writer.put("num-samples", b"1")
        writer.put(f"image-{first:09d}", b"a picture")
        writer.put(f"{kind}-{first:09d}", b"{}")
    return path


@pytest.mark.parametrize("first", [0, 1])
def test_what_it_is_and_what_is_wanted_are_said(tmp_path: Path, first: int) -> None:
    with pytest.raises(PipelineError, match="this is a layout LMDB"):
        CropReader(lmdb(tmp_path / "layouts.lmdb", "gt", first))
    with pytest.raises(PipelineError, match="holds word crops"):
        LayoutReader(lmdb(tmp_path / "crops.lmdb", "label", first))
