from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from ocr_pipeline.annotations import stage as annotation_stage
from ocr_pipeline.lookup import build_lookup
from ocr_pipeline.merged_json import merge_labels
from ocr_pipeline.storage.manifest import manifest_path, quarantine_path, read_manifest
from ocr_pipeline.storage.share import Share
from ocr_pipeline.storage.workspace import Workspace

from ..killing import kill_when, run
from ..trees import HAND_LABELS, HAND_PICTURES, contents, corner_label, hand_tree, write_tree
from .making import FORMATS, TRAIN, build, texts_of

STAGES = """
import sys
from pathlib import Path
from ocr_pipeline.annotations import AnnotationSettings, build_annotations, stage
from ocr_pipeline.datasets import source_partition
from ocr_pipeline.storage.share import Share
from ocr_pipeline.storage.workspace import Workspace

stage.SHARD_SIZE = 2
workspace, partition = Workspace(Path(sys.argv[2])), source_partition("handwriting_train")
build_annotations(Share(sys.argv[1]), partition, workspace, AnnotationSettings(sys.argv[3]), workers=2)
"""


@pytest.mark.parametrize("form", FORMATS)
def test_killed_again_and_again_it_ends_in_the_same_bytes(tmp_path, form):
    root = write_tree(tmp_path / "share", hand_tree(120, folders=4))
    (root / f"{HAND_PICTURES}/R.Free0/IMG_OCR_53_4PR_00000.png").write_bytes(b"no picture")
    workspace = Workspace(tmp_path / "out")
    merge_labels(Share(root), TRAIN, workspace)
    build_lookup(Share(root), TRAIN, workspace)
    run(STAGES, root, workspace.root, form)
    calm = contents(workspace.root)
    target = workspace.annotations("handwriting", "train", form)
    forget(target, workspace)
    store, chance, kept = workspace.shards(target), random.Random(form), 0
    for _ in range(3):
        wanted = kept + chance.randint(1, 12)
        assert kill_when(lambda wanted=wanted: len(finished(store)) >= wanted, STAGES, root, workspace.root, form)
        kept = len(finished(store))
        assert kept >= wanted
        assert read_manifest(target) is None
    kill_when(lambda: any(target.parent.glob(f".{target.name}.draft")), STAGES, root, workspace.root, form)
    run(STAGES, root, workspace.root, form)
    assert contents(workspace.root) == calm


def forget(target: Path, workspace: Workspace) -> None:
    """Remove all that the stage has made."""
    for folder in (workspace.shards(target), workspace.root / "crops"):
        shutil.rmtree(folder, ignore_errors=True)
    for path in (target, manifest_path(target), quarantine_path(target)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def finished(store: Path) -> list[str]:
    return [path.name for path in store.iterdir() if not path.name.startswith(".")] if store.exists() else []


def test_a_kill_while_crops_are_replaced_leaves_no_artifact_that_counts(tmp_path, workspace, monkeypatch):
    root = write_tree(tmp_path / "share", hand_tree(2))
    build(Share(root), workspace, "jsonl")
    write_tree(root, {f"{HAND_LABELS}/R.Free0/IMG_OCR_53_4PR_00001.json": corner_label("새")})

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(annotation_stage, "write_jsonl", crash)
        with pytest.raises(KeyboardInterrupt):
            build(Share(root), workspace, "jsonl")
    assert read_manifest(workspace.annotations("handwriting", "train", "jsonl")) is None
    build(Share(root), workspace, "jsonl")
    assert "새" in texts_of(workspace, "jsonl")
