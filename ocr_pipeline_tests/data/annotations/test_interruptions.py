from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations, formats
from ocr_pipeline.data.annotations import stage as annotation_stage
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.parallel import Processes
from ocr_pipeline.storage.artifacts.manifest import manifest_path, quarantine_path, read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.annotations.making import FORMATS, TRAIN, build, texts_of
from ocr_pipeline_tests.killing import kill_when, run
from ocr_pipeline_tests.trees import HAND_LABELS, HAND_PICTURES, contents, corner_label, hand_tree, write_tree

STAGES = """
import sys
from pathlib import Path
from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations, stage
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.parallel import Processes
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline.storage.artifacts.workspace import Workspace

stage.SHARD_SIZE = 2
workspace, partition = Workspace(Path(sys.argv[2])), source_partition("handwriting_train")
build_annotations(Share(sys.argv[1]), partition, workspace, AnnotationSettings(sys.argv[3]), crew=Processes(2))
"""


@pytest.mark.kill
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


def replaced(tmp_path: Path, workspace: Workspace) -> Path:
    """A share whose crops are published, and then one label changes."""
    root = write_tree(tmp_path / "share", hand_tree(2))
    build(Share(root), workspace, "jsonl")
    write_tree(root, {f"{HAND_LABELS}/R.Free0/IMG_OCR_53_4PR_00001.json": corner_label("새")})
    return root


def crash(*_):
    raise KeyboardInterrupt


def test_what_an_earlier_jsonl_names_stays_until_the_new_one_is_there(tmp_path, workspace, monkeypatch):
    root = replaced(tmp_path, workspace)
    target, crops = workspace.annotations("handwriting", "train", "jsonl"), workspace.crops("handwriting", "train")
    before, manifest = {**contents(crops), "": target.read_bytes()}, read_manifest(target)
    with monkeypatch.context() as broken:
        broken.setattr(formats.os, "sync", crash)
        with pytest.raises(KeyboardInterrupt):
            build(Share(root), workspace, "jsonl", accept_loss=True)
    after = {**contents(crops), "": target.read_bytes()}
    assert {name: after[name] for name in before} == before
    assert read_manifest(target) == manifest
    build(Share(root), workspace, "jsonl", accept_loss=True)
    assert "새" in texts_of(workspace, "jsonl")


def test_a_kill_while_earlier_crops_are_removed_leaves_no_artifact_that_counts(tmp_path, workspace, monkeypatch):
    root = replaced(tmp_path, workspace)
    with monkeypatch.context() as broken:
        broken.setattr(formats, "remove_others", crash)
        with pytest.raises(KeyboardInterrupt):
            build(Share(root), workspace, "jsonl", accept_loss=True)
    assert read_manifest(workspace.annotations("handwriting", "train", "jsonl")) is None
    build(Share(root), workspace, "jsonl", accept_loss=True)
    assert "새" in texts_of(workspace, "jsonl")
    assert len(list(workspace.crops("handwriting", "train").rglob("*.jpg"))) == 3


@pytest.mark.parametrize("form", FORMATS)
def test_a_share_that_drops_in_the_middle_costs_only_the_unfinished(tmp_path, workspace, monkeypatch, form):
    monkeypatch.setattr(annotation_stage, "SHARD_SIZE", 2)
    root, away = write_tree(tmp_path / "share", hand_tree(40, folders=4)), tmp_path / "away"
    calm = Workspace(tmp_path / "calm")
    build(Share(root), calm, form)
    merge_labels(Share(root), TRAIN, workspace)
    build_lookup(Share(root), TRAIN, workspace)
    read, reads = Share.read, []

    def dropping(share: Share, path: str) -> bytes:
        reads.append(path)
        if len(reads) == 30:
            root.rename(away)
        return read(share, path)

    settings, target = AnnotationSettings(form), workspace.annotations("handwriting", "train", form)
    with monkeypatch.context() as broken:
        broken.setattr(Share, "read", dropping)
        with pytest.raises(PipelineError, match="does not answer"):
            build_annotations(Share(root), TRAIN, workspace, settings, crew=Processes(1))
    kept = finished(workspace.shards(target))
    assert kept and not target.exists()
    away.rename(root)
    build_annotations(Share(root), TRAIN, workspace, settings, crew=Processes(1))
    assert set(kept) <= set(finished(workspace.shards(target)))
    if form == "lmdb":
        assert contents(target) == contents(calm.annotations("handwriting", "train", form))
    assert texts_of(workspace, form) == texts_of(calm, form)


# -- a disk that takes no more ---------------------------------------------------------------------------------------

FULL_DISK = """
import resource, sys
from pathlib import Path
from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.parallel import Processes
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline.storage.artifacts.workspace import Workspace

share, workspace, partition = Share(sys.argv[1]), Workspace(Path(sys.argv[2])), source_partition("handwriting_train")
stage, limit = sys.argv[3], int(sys.argv[4])
if stage != "merge":
    merge_labels(share, partition, workspace)
    build_lookup(share, partition, workspace)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    if stage == "merge":
        merge_labels(share, partition, workspace)
    else:
        build_annotations(share, partition, workspace, AnnotationSettings(stage), crew=Processes(2))
except PipelineError as error:
    sys.exit(0 if "cannot write" in str(error) and "free space" in error.remedy else str(error))
sys.exit("the disk was not full")
"""


@pytest.mark.parametrize(
    ("stage", "limit"), [("merge", 400), ("lmdb", 2000), ("lmdb", 20000), ("jsonl", 300), ("jsonl", 900)]
)
def test_a_full_disk_is_one_clear_error_and_what_is_published_stays(tmp_path, workspace, stage, limit):
    root = write_tree(tmp_path / "share", hand_tree(6))
    form = "lmdb" if stage == "merge" else stage
    build(Share(root), workspace, form)
    target = (
        workspace.merged_json(TRAIN.key) if stage == "merge" else workspace.annotations("handwriting", "train", form)
    )
    kept = [target, manifest_path(target), quarantine_path(target), workspace.root / "crops"]
    before = {path: contents(path) if path.is_dir() else path.read_bytes() for path in kept if path.exists()}
    write_tree(root, {f"{HAND_LABELS}/R.Free0/IMG_OCR_53_4PR_00001.json": corner_label("새", "말")})
    run(FULL_DISK, root, workspace.root, stage, limit)
    for path, content in before.items():
        after = contents(path) if path.is_dir() else path.read_bytes()
        assert after == content if isinstance(content, bytes) else content.items() <= after.items()
    build(Share(root), workspace, form)
    assert "말" in texts_of(workspace, form)


@pytest.mark.parametrize("form", FORMATS)
def test_an_output_that_cannot_be_written_is_named(tmp_path, workspace, form):
    share = Share(write_tree(tmp_path / "share", hand_tree(1)))
    merge_labels(share, TRAIN, workspace)
    build_lookup(share, TRAIN, workspace)
    in_the_way = workspace.shards(workspace.annotations("handwriting", "train", form))
    in_the_way.parent.mkdir(exist_ok=True)
    in_the_way.write_bytes(b"")
    with pytest.raises(PipelineError, match="cannot write") as caught:
        build_annotations(share, TRAIN, workspace, AnnotationSettings(form))
    assert str(in_the_way) in str(caught.value)
