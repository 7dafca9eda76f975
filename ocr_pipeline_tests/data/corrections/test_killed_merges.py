"""kill -9 while corrections are applied: the merged JSON is as it was or as it should be, and ends in equal bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ocr_pipeline.data.corrections import write_overlay
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.data.corrections.making import said
from ocr_pipeline_tests.killing import kill_when, run
from ocr_pipeline_tests.trees import contents, hand_tree, write_tree

pytestmark = pytest.mark.kill

KEY = "handwriting_train"
PAGES = 400
MERGE = """
import sys
from pathlib import Path
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.merged_json import label_shards, merge_labels
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline.storage.artifacts.workspace import Workspace

label_shards.SHARD_SIZE = 20
merge_labels(Share(sys.argv[1]), source_partition("handwriting_train"), Workspace(Path(sys.argv[2])), workers=1)
"""


def correct(workspace: Workspace) -> None:
    """Every second page gets another text, every tenth loses a word, and one speaks of a page that is not there."""
    texts = [said(number, 0, "가나", after=f"새 글{number}", folder=folder(number)) for number in range(0, PAGES, 2)]
    gone = [said(number, 1, f"글{number}", "delete", folder=folder(number)) for number in range(0, PAGES, 10)]
    write_overlay(workspace.corrections(KEY), [*texts, *gone, said(PAGES + 1, 0, "가나", after="없음")])


def folder(number: int) -> str:
    return f"R.Free{number % 4}"


def merged_shards(store: Path) -> set[tuple[str, int]]:
    found = store.iterdir() if store.exists() else ()
    return {(path.name, path.stat().st_mtime_ns) for path in found if not path.name.startswith(".")}


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(tmp_path_factory.mktemp("share"), hand_tree(PAGES, folders=4))


@pytest.fixture(scope="module")
def outcomes(share: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, bytes]]:
    """The merged JSON without corrections, and all that an undisturbed run with them leaves."""
    calm = Workspace(tmp_path_factory.mktemp("calm"))
    run(MERGE, share, calm.root)
    plain = calm.merged_json(KEY).read_bytes()
    correct(calm)
    run(MERGE, share, calm.root)
    assert calm.merged_json(KEY).read_bytes() != plain
    return plain, contents(calm.root)


@pytest.mark.parametrize("point", ["first shard", "some shards", "draft", "grown", "placed", "vouched for"])
def test_whole_or_as_it_was(share: Path, tmp_path: Path, outcomes: tuple[bytes, dict[str, bytes]], point: str) -> None:
    plain, calm = outcomes
    killed = Workspace(tmp_path / "killed")
    run(MERGE, share, killed.root)
    correct(killed)
    overlay = killed.corrections(KEY).read_bytes()
    was_killed = kill_when(reached(killed, point), MERGE, share, killed.root)
    assert was_killed or point in ("placed", "vouched for"), "those are so late that the run may end first"
    target = killed.merged_json(KEY)
    corrected = calm[str(target.relative_to(killed.root))]
    assert target.read_bytes() in (plain, corrected)
    json.loads(target.read_bytes())
    assert killed.corrections(KEY).read_bytes() == overlay
    run(MERGE, share, killed.root)
    assert contents(killed.root) == calm


def reached(workspace: Workspace, point: str) -> Callable[[], bool]:
    """Whether a run has come so far, told by what it leaves on the disk."""
    target = workspace.merged_json(KEY)
    store, draft, before = workspace.shards(target), target.with_name(f".{target.name}.draft"), target.stat()
    shards, manifest = merged_shards(store), read_manifest(target)

    def made() -> int:
        return len(merged_shards(store) - shards)

    return {
        "first shard": lambda: made() >= 1,
        "some shards": lambda: made() >= 10,
        "draft": draft.exists,
        "grown": lambda: draft.exists() and draft.stat().st_size > 0,
        "placed": lambda: target.stat().st_ino != before.st_ino,
        "vouched for": lambda: read_manifest(target) not in (None, manifest),
    }[point]
