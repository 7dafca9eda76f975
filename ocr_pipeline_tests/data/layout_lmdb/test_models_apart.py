"""Parts made by workers that have a model each: the bytes of one process, and what the models found is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import torch

from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.layout_lmdb import LayoutSettings, build_layouts
from ocr_pipeline.data.layout_lmdb.cache import DetectionCache, KnownRegions, cache_path
from ocr_pipeline.data.layout_lmdb.engines.detections import Detections
from ocr_pipeline.data.layout_lmdb.engines.transformers_engine import TransformersEngine
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.parallel import ALONE, Processes
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.layout_lmdb.making import random_model
from ocr_pipeline_tests.trees import contents, hand_tree, write_tree

TRAIN = source_partition("handwriting_train")
OWNERS = Processes(2, gpus=1, least=1)
"""Two workers with a device each."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums of several threads differ in the last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def without_detections(workspace: Workspace) -> dict[str, bytes]:
    return {name: data for name, data in contents(workspace.root).items() if not name.endswith(".sqlite")}


def known(workspace: Workspace) -> set[tuple[str, bytes]]:
    path = cache_path(workspace.layout_lmdb("handwriting", "train"))
    with closing(sqlite3.connect(path)) as table:
        return set(table.execute("SELECT key, value FROM detections"))


def labelled(share: Share, folder: Path) -> Workspace:
    workspace = Workspace(folder)
    merge_labels(share, TRAIN, workspace, workers=1)
    build_lookup(share, TRAIN, workspace)
    return workspace


@pytest.mark.slow
def test_workers_with_models_leave_the_bytes_of_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr("ocr_pipeline.data.layout_lmdb.build.PART_PAGES", 4)
    share = Share(write_tree(tmp_path / "share", hand_tree(24)))
    model, cells = (str(random_model(tmp_path / kind, kind=kind)) for kind in ("v2", "cells"))
    settings = LayoutSettings(model=model, table_model=cells, device="cpu", table_device="cpu", table_threshold=0.01)
    alone, together = (labelled(share, tmp_path / name) for name in ("alone", "together"))
    with one_thread():
        build_layouts(share, TRAIN, alone, settings, crew=ALONE)
    build_layouts(share, TRAIN, together, settings, crew=OWNERS)
    assert without_detections(together) == without_detections(alone)
    assert known(together) == known(alone) and len(known(alone)) >= 24
    assert not list((together.root / ".shards").glob("*.detections"))
    monkeypatch.setattr(TransformersEngine, "infer", lambda *_: pytest.fail("the model was asked again"))
    other = LayoutSettings(model=model, device="cpu", threshold=0.9)
    build_layouts(share, TRAIN, together, other, crew=ALONE)


def test_what_finders_left_is_taken_in_once(tmp_path: Path) -> None:
    found, left = KnownRegions((4, 3), Detections.none()), tmp_path / "left"
    with closing(DetectionCache(tmp_path / "known")) as cache:
        cache.put([("a", found)])
        with closing(DetectionCache(tmp_path / "known", left / "1.sqlite")) as finder:
            finder.put([("b", found)])
            assert finder.get("a", finder.last) and not finder.get("b", finder.last)
        (left / "2.sqlite").touch()  # of one that was killed as it began
        assert cache.last == 1
        cache.take_in(left)
        assert cache.last == 2 and cache.get("b", 2) and not left.exists()
        cache.take_in(left)
