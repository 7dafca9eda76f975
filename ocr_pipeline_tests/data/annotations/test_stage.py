from __future__ import annotations

import json

import fsspec
import pytest

from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.annotations import stage as annotation_stage
from ocr_pipeline.data.datasets import PARTITIONS, source_partition
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels, read_pages
from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import quarantine_path, read_manifest
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.annotations.making import FORMATS, TRAIN, build, expected_crops, read_lmdb, texts_of
from ocr_pipeline_tests.storage.source.ftp_server import serving
from ocr_pipeline_tests.trees import (
    HAND_LABELS,
    HAND_PICTURES,
    HANDWRITING,
    WILD_LABEL,
    contents,
    corner_label,
    hand_tree,
    picture,
    write_tree,
)

# -- the same whatever happens ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_one_and_four_workers_give_the_same_bytes(tmp_path, monkeypatch, form):
    monkeypatch.setattr(annotation_stage, "SHARD_SIZE", 2)
    share = Share(write_tree(tmp_path / "share", hand_tree(17, folders=3)))
    outcomes = []
    for workers in (1, 4):
        workspace = Workspace(tmp_path / "out")
        build(share, workspace, form, workers=workers)
        outcomes.append(contents(workspace.root))
        workspace.root.rename(tmp_path / f"workers-{workers}")
    assert len(texts_of(Workspace(tmp_path / "workers-4"), form)) == 34
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("form", FORMATS)
def test_the_size_of_shards_does_not_matter(tmp_path, monkeypatch, form):
    share = Share(write_tree(tmp_path / "share", hand_tree(5)))
    found = []
    for size in (1, 2, 100):
        monkeypatch.setattr(annotation_stage, "SHARD_SIZE", size)
        workspace = Workspace(tmp_path / "out")
        build(share, workspace, form)
        target = workspace.annotations("handwriting", "train", form)
        found.append(
            contents(target) if form == "lmdb" else {**contents(workspace.root / "crops"), "": target.read_bytes()}
        )
        workspace.root.rename(tmp_path / f"size-{size}")
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("form", FORMATS)
def test_a_second_run_does_nothing(tmp_path, workspace, form):
    share = Share(write_tree(tmp_path / "share", hand_tree(3)))
    first = build(share, workspace, form)
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in workspace.root.rglob("*")}
    assert build(share, workspace, form) == first
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in workspace.root.rglob("*")} == before


@pytest.mark.parametrize("form", FORMATS)
def test_a_changed_label_changes_the_artifact(tmp_path, workspace, form):
    root = write_tree(tmp_path / "share", hand_tree(3))
    build(Share(root), workspace, form)
    write_tree(root, {f"{HAND_LABELS}/R.Free0/IMG_OCR_53_4PR_00001.json": corner_label("새")})
    build(Share(root), workspace, form)
    assert texts_of(workspace, form) == ["가나", "글0", "새", "가나", "글2"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_changed_picture_changes_the_crops(tmp_path, workspace, form):
    root = write_tree(tmp_path / "share", hand_tree(2))
    (before,) = build(Share(root), workspace, form)
    write_tree(root, {f"{HAND_PICTURES}/R.Free0/IMG_OCR_53_4PR_00001.png": picture(width=80, seed=9)})
    (after,) = build(Share(root), workspace, form, other_size="ignore")
    assert before.fingerprint != after.fingerprint
    if form == "lmdb":
        content = read_lmdb(workspace.annotations("handwriting", "train", "lmdb"))
        assert [crop for key, crop in content.items() if key.startswith("image")] == [
            crop for _, crop in expected_crops(Share(root), workspace)
        ]


def test_nfd_and_nfc_trees_give_the_same_crops_and_texts(tmp_path):
    found = []
    for form in ("NFC", "NFD"):
        workspace = Workspace(tmp_path / form)
        build(Share(write_tree(tmp_path / f"share-{form}", hand_tree(3), form)), workspace, "lmdb")
        found.append(contents(workspace.annotations("handwriting", "train", "lmdb")))
    assert found[0] == found[1]


def test_remote_shares_give_the_bytes_of_a_local_one(tmp_path):
    root = write_tree(tmp_path / "share", hand_tree(12, folders=3))
    fsspec.filesystem("memory").put(str(root), "/annotations-in-memory", recursive=True)
    found = {}
    with serving(root) as url:
        for place, source in (("local", str(root)), ("ftp", url), ("memory", "memory://annotations-in-memory")):
            workspace = Workspace(tmp_path / place)
            (manifest,) = build(Share(source), workspace, "lmdb", workers=4)  # threads that read at once
            found[place] = contents(workspace.annotations("handwriting", "train", "lmdb"))
            assert (manifest.counts.words_out, manifest.counts.add_up) == (24, True)
    assert found["local"] == found["ftp"] == found["memory"]


# -- counted ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", PARTITIONS)
def test_every_planted_fault_is_counted_and_named(faulty_collection, workspace, key):
    partition = PARTITIONS[key]
    manifests = build(Share(faulty_collection.root), workspace, "lmdb", partition)
    assert [manifest.counts.add_up for manifest in manifests] == [True] * len(partition.splits)
    records = []
    for split, manifest in zip(partition.splits, manifests, strict=True):
        target = workspace.annotations(partition.dataset.name, split, "lmdb")
        mine = list(read_quarantine(quarantine_path(target)))
        assert manifest.counts.words_quarantined == sum(record.words or record.unit == "word" for record in mine)
        assert int(read_lmdb(target)["num-samples"]) == manifest.counts.words_out
        assert all(record.split == split for record in mine)
        records += mine
    planted = {
        (fault.reason, fault.image)
        for fault in faulty_collection.faults
        if fault.partition == key and fault.reason in ("image_unreadable", "image_missing", "word_outside")
    }
    assert {(record.reason, record.image) for record in records if record.reason != "word_ignored"} == planted
    merged = list(read_pages(workspace.merged_json(key), partition))
    assert sum(manifest.counts.pages_in for manifest in manifests) == len(merged)
    assert sum(manifest.counts.words_in for manifest in manifests) == sum(len(page.words) for page in merged)
    assert sum(manifest.counts.words_out for manifest in manifests) >= faulty_collection.words[key]


def test_text_in_the_wild_is_split_and_no_character_is_cropped(tmp_path):
    collection = write_collection(tmp_path / "share", pages={"text_in_wild": 30}, page_size=(160, 224))
    workspace, partition = Workspace(tmp_path / "out"), source_partition("text_in_wild")
    manifests = build(Share(collection.root), workspace, "lmdb", partition)
    assert [manifest.counts.pages_in > 0 for manifest in manifests] == [True, True]
    assert sum(manifest.counts.pages_in for manifest in manifests) == 30
    assert sum(manifest.counts.words_out for manifest in manifests) == collection.words["text_in_wild"]
    label = json.loads((collection.root / WILD_LABEL).read_bytes())
    words = sorted(a["text"] for a in label["annotations"] if a["attributes"]["class"] == "word" and a["text"])
    cropped = [
        value.decode()
        for split in ("train", "valid")
        for key, value in read_lmdb(workspace.annotations("text_in_wild", split, "lmdb")).items()
        if key.startswith("label")
    ]
    assert sorted(cropped) == words


@pytest.mark.parametrize("form", FORMATS)
def test_a_set_that_is_not_there_gives_empty_artifacts(tmp_path, workspace, form):
    (tmp_path / "share" / HANDWRITING).mkdir(parents=True)
    for partition in PARTITIONS.values():
        for manifest in build(Share(tmp_path / "share"), workspace, form, partition):
            assert (manifest.counts.pages_in, manifest.counts.add_up) == (0, True)
    target = workspace.annotations("handwriting", "train", form)
    assert read_lmdb(target) == {"num-samples": b"0"} if form == "lmdb" else target.read_bytes() == b""


def test_a_trial_takes_the_first_pages(tmp_path, workspace):
    share = Share(write_tree(tmp_path / "share", hand_tree(4)))
    (manifest,) = build(share, workspace, "lmdb", max_pages=2)
    assert manifest.counts.pages_in == 2
    assert texts_of(workspace, "lmdb") == ["가나", "글0", "가나", "글1"]
    (manifest,) = build(share, workspace, "lmdb")
    assert manifest.counts.pages_in == 4


def test_pictures_of_a_share_that_went_away_are_not_taken_for_missing(tmp_path, workspace):
    root = write_tree(tmp_path / "share", hand_tree(2))
    merge_labels(Share(root), TRAIN, workspace)
    build_lookup(Share(root), TRAIN, workspace)
    root.rename(tmp_path / "unmounted")
    with pytest.raises(PipelineError, match="does not answer"):
        build_annotations(Share(root), TRAIN, workspace, AnnotationSettings("lmdb"))
    assert read_manifest(workspace.annotations("handwriting", "train", "lmdb")) is None


def test_without_the_stages_before_the_error_names_them(tmp_path, workspace):
    share = Share(write_tree(tmp_path / "share", hand_tree(1)))
    with pytest.raises(PipelineError, match="merged_json"):
        build_annotations(share, TRAIN, workspace, AnnotationSettings())
    merge_labels(share, TRAIN, workspace)
    with pytest.raises(PipelineError, match="lookup"):
        build_annotations(share, TRAIN, workspace, AnnotationSettings())
