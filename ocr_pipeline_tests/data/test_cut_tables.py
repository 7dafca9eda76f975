"""Every table of a stage, cut short at any place: it is told as damaged, and never read as a smaller one."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.data.corrections import corrections_effect, read_overlay, write_overlay
from ocr_pipeline.data.lookup import format as lookup_format
from ocr_pipeline.data.lookup import load_lookup
from ocr_pipeline.data.lookup.format import read_lookup, write_lookup
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import quarantine_path, read_manifest
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.annotations.making import TRAIN, build
from ocr_pipeline_tests.data.corrections.making import said
from ocr_pipeline_tests.trees import HAND_LABELS, hand_tree, write_tree

Read = Callable[[Workspace], object]

LMDB = "handwriting_annotations_train.lmdb"
READERS: dict[str, Read] = {
    "json_merged/handwriting_train_merged.json": lambda at: list(read_pages(at.merged_json(TRAIN.key), TRAIN)),
    "json_merged/handwriting_train_merged.json.manifest.json": lambda at: read_manifest(at.merged_json(TRAIN.key)),
    "json_merged/handwriting_train_merged.json.quarantine.parquet": lambda at: list(
        read_quarantine(quarantine_path(at.merged_json(TRAIN.key)))
    ),
    "lookup/lookup_handwriting_train.pkl.gz": lambda at: read_lookup(at.lookup(TRAIN.key)),
    "lookup/lookup_handwriting_train.pkl.gz.names": lambda at: load_lookup(at, TRAIN),
    "lookup/lookup_handwriting_train.pkl.gz.stamps": lambda at: load_lookup(at, TRAIN),
    "lookup/lookup_handwriting_train.pkl.gz.copies": lambda at: load_lookup(at, TRAIN),
    "corrections/handwriting_train.parquet": lambda at: (
        corrections_effect(at, TRAIN.key),
        read_overlay(at.corrections(TRAIN.key)),
    ),
    f"{LMDB}/data.mdb": lambda at: [CropReader(at.root / LMDB).read(number) for number in range(9)],
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("whole")
    tree = {**hand_tree(9), f"{HAND_LABELS}/R.Free0/torn.json": b'{"bbox'}
    workspace = Workspace(folder / "out")
    build(Share(write_tree(folder / "share", tree)), workspace, "lmdb")
    write_overlay(workspace.corrections(TRAIN.key), [said(0, 0, "before", after="after")])
    return workspace


@pytest.mark.parametrize("name", READERS)
def test_a_table_that_was_cut_short_is_told(whole: Workspace, tmp_path: Path, name: str) -> None:
    READERS[name](whole)
    size = (whole.root / name).stat().st_size
    for cut in sorted({0, 1, 7, 50, 135, 4096, 4097, *range(2, size, max(1, size // 20)), size - 2}):
        if cut < size - 1:  # the last byte may be a line end
            at = Workspace(tmp_path / str(cut))
            (at.root / name).parent.mkdir(parents=True)
            for file in (whole.root / name).parent.iterdir():
                if file.is_file():
                    shutil.copyfile(file, (at.root / name).parent / file.name)
            os.truncate(at.root / name, cut)
            with pytest.raises(PipelineError):
                READERS[name](at)


def test_a_lookup_that_unpacks_without_end_is_refused_before_it_does(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.pkl.gz"
    with gzip.open(bomb, "wb", 1) as file:
        file.write(b"\x80\x04\x8e" + (6 << 30).to_bytes(8, "little") + bytes(1 << 20))
    with pytest.raises(PipelineError, match="holds more than it may"):
        read_lookup(bomb)


def test_a_lookup_of_many_small_parts_is_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lookup(tmp_path / "a.pkl.gz", {str(number): "path" for number in range(1000)})
    assert len(read_lookup(tmp_path / "a.pkl.gz")) == 1000
    monkeypatch.setattr(lookup_format, "LARGEST", 5000)
    with pytest.raises(PipelineError, match="holds more than it may"):
        read_lookup(tmp_path / "a.pkl.gz")
