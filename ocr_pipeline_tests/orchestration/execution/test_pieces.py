"""Pieces of one partition made by processes that know nothing of each other: the bytes of one that does it all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.layout_lmdb import LayoutSettings, build_layouts
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.orchestration.execution.pieces import INDEX_VARIABLE, Order
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.parallel import ALONE, Processes
from ocr_pipeline.reading import PageReading, spread_paths
from ocr_pipeline.reading.folder import MARKER
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.orchestration.conftest import until
from ocr_pipeline_tests.reading.conftest import sheet
from ocr_pipeline_tests.trees import contents, hand_tree, write_tree

TRAIN = source_partition("handwriting_train")
PIECE = """
import sys
from ocr_pipeline.data.annotations import stage
from ocr_pipeline.data.layout_lmdb import build
from ocr_pipeline.orchestration.execution import pieces
from ocr_pipeline.reading import folder

stage.SHARD_SIZE = build.PART_PAGES = 4
folder._GROUP = 2
sys.exit(pieces.main(sys.argv[1:]))
"""
PODS = 4
Publish = Callable[[Share, Workspace], object]


def crops(share: Share, workspace: Workspace) -> None:
    build_annotations(share, TRAIN, workspace, AnnotationSettings("lmdb"), crew=ALONE)


def layouts(share: Share, workspace: Workspace) -> None:
    build_layouts(share, TRAIN, workspace, LayoutSettings())


@pytest.fixture
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Share:
    monkeypatch.setattr("ocr_pipeline.data.annotations.stage.SHARD_SIZE", 4)
    monkeypatch.setattr("ocr_pipeline.data.layout_lmdb.build.PART_PAGES", 4)
    return Share(write_tree(tmp_path / "share", hand_tree(120, folders=4)))


def labelled(share: Share, folder: Path) -> Workspace:
    workspace = Workspace(folder)
    merge_labels(share, TRAIN, workspace, workers=1)
    build_lookup(share, TRAIN, workspace)
    return workspace


def finished(workspace: Workspace) -> Iterator[Path]:
    """The shards that are there, of crops or layouts."""
    return workspace.root.glob(".shards/*.lmdb/*/counts.json")


def helper(order: Order, index: int) -> subprocess.Popen[bytes]:
    """A pod's process."""
    variables = {**os.environ, INDEX_VARIABLE: str(index), "OCR_PIPELINE_LEASED_CPUS": "1"}
    command = [sys.executable, "-c", PIECE, *order.command(PODS)[3:]]
    return subprocess.Popen(command, env=variables)


def help_out(order: Order, is_begun: Callable[[], bool]) -> list[int]:
    """All helpers at once, of whom one is killed in the midst of its work; their exit codes."""
    processes = [helper(order, index) for index in range(PODS - 1)]
    until(lambda: is_begun() or processes[1].poll() is not None)
    processes[1].kill()
    return [process.wait(120) for process in processes]


@pytest.mark.parametrize(
    ("stage", "settings", "publish"),
    [("annotations", AnnotationSettings("lmdb"), crops), ("layout_lmdb", LayoutSettings(), layouts)],
)
def test_helpers_of_whom_one_is_killed_leave_the_bytes_of_one_process(
    share: Share, tmp_path: Path, stage, settings, publish: Publish
) -> None:
    alone, workspace = labelled(share, tmp_path / "alone"), labelled(share, tmp_path / "out")
    publish(share, alone)
    order = Order.of(stage, TRAIN.key, Locations(source=str(share.root), output=str(workspace.root)), settings)
    codes = help_out(order, lambda: any(finished(workspace)))
    assert (codes[0], codes[2]) == (0, 0)
    assert sum(1 for _ in finished(alone)) // PODS * 2 <= sum(1 for _ in finished(workspace))
    assert not any(workspace.root.glob("*.lmdb*"))  # nothing is published
    publish(share, workspace)
    assert contents(workspace.root) == contents(alone.root)


@pytest.mark.slow
def test_helpers_read_what_the_step_then_finds_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocr_pipeline.reading.folder._GROUP", 2)
    workspace, settings = Workspace(tmp_path / "out"), PageReading(device="cpu")
    inbox = workspace.inbox / "pages"
    inbox.mkdir(parents=True)
    for number in range(12):
        sheet((f"{number}장",), (200, 120)).save(inbox / f"{number:02}.png")
    (inbox / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    alone = spread_paths(settings, Processes(1), [inbox], tmp_path / "alone")
    workspace.readings.mkdir()
    (workspace.readings / MARKER).touch()  # the step has begun
    order = Order.of("readings", "", Locations(output=str(workspace.root)), settings)
    codes = help_out(order, lambda: any(workspace.readings.glob("*.json")))
    assert (codes[0], codes[2]) == (0, 0)
    together = spread_paths(settings, Processes(1), [inbox], workspace.readings)
    assert contents(workspace.readings) == contents(tmp_path / "alone")
    assert 6 <= together.done < 12 and list(together.errors) == list(alone.errors)


def test_what_cannot_be_done_is_one_line(tmp_path: Path) -> None:
    order = Order.of("annotations", TRAIN.key, Locations(output=str(tmp_path)), AnnotationSettings("lmdb"))
    variables = {**os.environ, INDEX_VARIABLE: "0", "OCR_PIPELINE_SOURCE": str(tmp_path)}
    command = [sys.executable, *order.command(2)[1:]]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "there is no lookup" in done.stderr


@pytest.mark.parametrize("settings", [AnnotationSettings("lmdb"), LayoutSettings(), PageReading(form=("txt", "pdf"))])
def test_settings_are_the_same_on_the_other_machine(settings) -> None:
    order = Order.of("readings", "", Locations(), settings)
    assert Order.told(order.command(2)[-2]).read(type(settings)) == settings
