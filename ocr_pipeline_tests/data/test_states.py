"""What status knows: what would be made otherwise now, what cannot be read, and what is not as it was published."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ocr_pipeline.cli import cli
from ocr_pipeline.data import states
from ocr_pipeline.data.annotations import AnnotationSettings, CropReader, build_annotations
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.layout_lmdb import LayoutSettings, build_layouts
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import FastTraining, train_fast
from ocr_pipeline.recognition.dlora import DloraTraining, train_dlora
from ocr_pipeline.storage.artifacts.manifest import manifest_path, quarantine_path
from ocr_pipeline.storage.artifacts.renewal import Renewal
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.trees import HAND_LABELS, HAND_PICTURES, contents, hand_tree, picture, write_tree

TRAIN = source_partition("handwriting_train")


def make(root: Path, workspace: Workspace, form: str = "lmdb", *, rebuild: bool = False) -> None:
    share = Share(str(root))
    merge_labels(share, TRAIN, workspace, renewal=Renewal(rebuild=rebuild))
    build_lookup(share, TRAIN, workspace, renewal=Renewal(rebuild=rebuild))
    build_annotations(share, TRAIN, workspace, AnnotationSettings(form), renewal=Renewal(rebuild=rebuild))
    build_layouts(share, TRAIN, workspace, LayoutSettings(), renewal=Renewal(rebuild=rebuild))


@pytest.fixture
def root(tmp_path: Path, workspace: Workspace) -> Path:
    root = write_tree(tmp_path / "share", hand_tree(3))
    make(root, workspace)
    return root


def command(name: str, root: Path, workspace: Workspace, *arguments: str, **environment: str) -> Result:
    place = ("--source", str(root), "--output", str(workspace.root), "--partition", TRAIN.key)
    return CliRunner().invoke(cli, [name, *place, *arguments], env={"COLUMNS": "300", **environment})


def status_of(root: Path, workspace: Workspace, *arguments: str, **environment: str) -> Result:
    return command("status", root, workspace, "--verbose", *arguments, **environment)


def row(told: Result, stage: str) -> str:
    return next(" ".join(line.split()) for line in told.output.splitlines() if line.split()[:1] == [stage])


def crops(workspace: Workspace) -> Path:
    return workspace.annotations("handwriting", "train", "lmdb")


def test_code_and_settings_count(root: Path, workspace: Workspace) -> None:
    path = manifest_path(workspace.merged_json(TRAIN.key))
    path.write_text(json.dumps({**json.loads(path.read_text()), "code_version": "1"}))
    told = status_of(root, workspace, FAST_MAX_SAMPLES="2", FAST_TABLE_LAYOUT_THR="0.5")
    assert "stale (code changed)" in row(told, "merged_json")
    assert "complete" in row(told, "lookup")
    assert "stale (settings max_pages changed)" in row(told, "annotations")
    assert "stale (settings table_threshold changed)" in row(told, "layout_lmdb")
    planned = command("backfill", root, workspace, "--dry-run")
    assert "materialise stale (code changed)" in " ".join(planned.output.split())


def test_a_setting_that_is_by_default_again_counts_too(root: Path, workspace: Workspace, monkeypatch) -> None:
    monkeypatch.setattr(states, "left_out", lambda settings: {"shade": None})
    assert "complete" in row(status_of(root, workspace), "annotations")
    path = manifest_path(crops(workspace))
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "settings": {**manifest["settings"], "shade": 2}}))
    assert "stale (settings shade changed)" in row(status_of(root, workspace), "annotations")


@pytest.mark.parametrize("content", ["", "[]", '{"code_version": 2}', '{"stage": "annotations"}'])
def test_a_manifest_that_cannot_be_read_is_one_row(root: Path, workspace: Workspace, content: str) -> None:
    manifest_path(crops(workspace)).write_text(content)
    told = status_of(root, workspace)
    assert "damaged" in row(told, "annotations") and "complete" in row(told, "layout_lmdb")
    assert isinstance(told.exception, PipelineError)
    manifest_path(crops(workspace)).unlink()  # as the remedy says
    build_annotations(Share(str(root)), TRAIN, workspace, AnnotationSettings("lmdb"))
    assert "complete" in row(status_of(root, workspace), "annotations")


@pytest.mark.parametrize("place", range(5))
def test_every_byte_is_read_when_asked(root: Path, workspace: Workspace, place: int) -> None:
    merged, lookup = workspace.merged_json(TRAIN.key), workspace.lookup(TRAIN.key)
    parts = (merged, lookup, crops(workspace) / "data.mdb", quarantine_path(merged), Path(f"{lookup}.stamps"))
    whole = status_of(root, workspace, "--verify")
    assert whole.exit_code == 0 and "damaged" not in whole.output
    before = contents(workspace.root)
    flip_a_byte(parts[place])
    told = status_of(root, workspace, "--verify")
    assert isinstance(told.exception, PipelineError) and "differ" in told.output
    make(root, workspace, rebuild=True)
    assert contents(workspace.root) == before


@pytest.mark.parametrize("place", range(3))
def test_what_was_cut_short_is_told_without_reading_it_and_made_again(
    root: Path, workspace: Workspace, place: int
) -> None:
    """A copy that was interrupted, a disk that was full."""
    artifacts = (workspace.merged_json(TRAIN.key), crops(workspace), workspace.layout_lmdb("handwriting", "train"))
    file = artifacts[place] / "data.mdb" if artifacts[place].is_dir() else artifacts[place]
    before, size = contents(workspace.root), file.stat().st_size
    os.truncate(file, size // 2)
    told = status_of(root, workspace)
    assert isinstance(told.exception, PipelineError) and artifacts[place].name in told.exception.where
    assert f"{size // 2:,} of {size:,} bytes" in " ".join(told.output.split())
    make(root, workspace)
    assert contents(workspace.root) == before


@pytest.mark.parametrize("model", ["detector", "recognizer"])
def test_no_training_begins_on_data_that_is_not_as_it_was_published(
    root: Path, workspace: Workspace, model: str, tmp_path: Path
) -> None:
    lmdb = workspace.layout_lmdb("handwriting", "train") if model == "detector" else crops(workspace)
    flip_a_byte(lmdb / "data.mdb")
    with pytest.raises(PipelineError, match=rf"not as it was published: {lmdb.name}/data.mdb differ"):
        if model == "detector":
            train_fast(FastTraining(config=Path("tiny_736.yaml"), output_dir=tmp_path / "run"), [lmdb], [])
        else:
            train_dlora(DloraTraining("korean_words", str(tmp_path / "run")), [lmdb], [])
    assert not (tmp_path / "run").exists()


def flip_a_byte(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


@pytest.mark.parametrize("damage", [lambda crop: crop.unlink(), lambda crop: crop.write_bytes(b"another")])
@pytest.mark.parametrize("way", ["the manifest is deleted", "an input changed"])
def test_a_crop_of_a_jsonl_that_differs_is_named_and_made_again(
    root: Path, workspace: Workspace, damage: Callable[[Path], object], way: str
) -> None:
    make(root, workspace, "jsonl")
    before = contents(workspace.root / "crops")
    crop = next((workspace.root / "crops").rglob("*.jpg"))
    damage(crop)
    told = status_of(root, workspace, "--verify")
    assert "damaged" in told.output and crop.name in "".join(told.output.split())
    if way == "an input changed":
        write_tree(root, {f"{HAND_PICTURES}/nobody.png": b"named by no label"})
    else:  # as the remedy says
        manifest_path(workspace.annotations("handwriting", "train", "jsonl")).unlink()
    make(root, workspace, "jsonl")
    assert contents(workspace.root / "crops") == before
    assert "crops/" not in status_of(root, workspace, "--verify").output


@pytest.mark.parametrize("form", ["lmdb", "jsonl"])
def test_rebuild_sees_a_correction_of_the_same_size_and_time(tmp_path: Path, workspace: Workspace, form: str) -> None:
    root = write_tree(tmp_path / "share", hand_tree(1))
    make(root, workspace, form)
    stem = "R.Free0/IMG_OCR_53_4PR_00000"
    label, page = root / f"{HAND_LABELS}/{stem}.json", root / f"{HAND_PICTURES}/{stem}.png"
    for path, content in ((label, label.read_bytes().replace("가나".encode(), "다라".encode())), (page, another(page))):
        status = path.stat()
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert path.stat().st_size == status.st_size
    make(root, workspace, form, rebuild=True)
    fresh = Workspace(tmp_path / "fresh")
    make(root, fresh, form)
    for each in (workspace, fresh):
        assert status_of(root, each, "--verify").exit_code == 0
    made, expected = (CropReader(each.annotations("handwriting", "train", form)) for each in (workspace, fresh))
    assert [made.read(n)[:2] for n in range(len(made))] == [expected.read(n)[:2] for n in range(len(expected))]
    assert made.text(0) == "다라"


def another(path: Path) -> bytes:
    """Another picture of the same size in bytes; a PNG may have bytes after its end."""
    size = path.stat().st_size
    found = next(data for seed in range(100, 400) if len(data := picture(seed=seed)) <= size)
    return found + bytes(size - len(found))


def test_an_output_folder_that_was_moved_goes_on_working(tmp_path: Path, workspace: Workspace) -> None:
    root = write_tree(tmp_path / "share", hand_tree(2))
    make(root, workspace, "jsonl")
    moved = Workspace(workspace.root.rename(tmp_path / "bigger_disk"))
    told = status_of(root, moved)
    assert "stale (settings place changed)" in row(told, "annotations") and "complete" in row(told, "merged_json")
    make(root, moved, "jsonl")
    assert "complete" in row(status_of(root, moved), "annotations")
    crops = CropReader(moved.annotations("handwriting", "train", "jsonl"))
    assert all(str(moved.root) in crops.read(number).source for number in range(len(crops)))


def test_artifacts_that_were_moved_to_another_disk_and_linked_stay_links(root: Path, workspace: Workspace) -> None:
    disk = root.parent / "larger_disk"
    disk.mkdir()
    artifacts = (workspace.merged_json(TRAIN.key), workspace.lookup(TRAIN.key), crops(workspace))
    for artifact in artifacts:
        artifact.rename(disk / artifact.name)
        artifact.symlink_to(disk / artifact.name)
    for _ in range(2):
        make(root, workspace, rebuild=True)
        assert all(artifact.is_symlink() for artifact in artifacts)
        assert status_of(root, workspace, "--verify").exit_code == 0
    assert len(CropReader(crops(workspace))) == 6
