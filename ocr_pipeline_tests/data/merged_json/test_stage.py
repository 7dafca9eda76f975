from __future__ import annotations

import errno
import json
import os
import random
from pathlib import Path

import fsspec
import msgspec
import pytest

from ocr_pipeline.data.datasets import PARTITIONS, source_partition
from ocr_pipeline.data.merged_json import label_shards, merge_labels, read_pages
from ocr_pipeline.data.merged_json import stage as merge_stage
from ocr_pipeline.data.merged_json import stage as merged_stage
from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Page
from ocr_pipeline.storage.artifacts.lineage import lineage_path
from ocr_pipeline.storage.artifacts.lineage_parquet import read_traces
from ocr_pipeline.storage.artifacts.manifest import quarantine_path, read_manifest
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.renewal import Renewal
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.killing import kill_when, run
from ocr_pipeline_tests.storage.source.ftp_server import serving
from ocr_pipeline_tests.trees import (
    HAND_LABELS,
    HAND_PICTURES,
    WILD,
    WILD_LABEL,
    contents,
    corner_label,
    hand_tree,
    wild_image,
    wild_label,
    wild_word,
    write_tree,
)

TRAIN = source_partition("handwriting_train")
WILD_SET = source_partition("text_in_wild")


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of everything below a folder."""
    return {str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*")}


def test_the_merged_json_is_one_valid_document_and_streams_the_same(tmp_path, workspace):
    share = Share(write_tree(tmp_path / "share", hand_tree(5, folders=2)))
    merge_labels(share, TRAIN, workspace)
    path = workspace.merged_json("handwriting_train")
    assert path.name == "handwriting_train_merged.json"
    document = json.loads(path.read_bytes())
    assert document["format"] == "ocr_pipeline.merged_json/1", "earlier outputs are told by it, wherever the code moves"
    assert document["partition"] == "handwriting_train"
    whole = [msgspec.convert(page, Page) for page in document["pages"]]
    assert list(read_pages(path, TRAIN)) == whole
    assert [page.image for page in whole] == [f"IMG_OCR_53_4PR_{number:05d}.png" for number in (0, 2, 4, 1, 3)]
    assert whole[0].label == f"{HAND_LABELS}/R.Free0/IMG_OCR_53_4PR_00000.json"
    assert [word.text for word in whole[1].words] == ["가나", "글2"]
    assert len(path.read_bytes().splitlines()) == len(whole) + 2


@pytest.mark.parametrize("key", PARTITIONS)
def test_all_that_comes_in_goes_out_or_is_quarantined_by_name(faulty_collection, workspace, key):
    partition = source_partition(key)
    manifest = merge_labels(Share(faulty_collection.root), partition, workspace)
    pages = list(read_pages(workspace.merged_json(key), partition))
    records = list(read_quarantine(quarantine_path(workspace.merged_json(key))))
    assert manifest.counts.add_up
    assert manifest.counts.pages_out == len(pages)
    assert manifest.counts.words_out == sum(len(page.words) for page in pages)
    assert manifest.counts.pages_quarantined == sum(record.unit == "page" for record in records)
    assert manifest.counts.words_quarantined == sum(record.unit == "word" for record in records)
    assert read_manifest(workspace.merged_json(key)) == manifest
    expected = {
        (fault.file, fault.reason)
        for fault in faulty_collection.faults
        if fault.partition == key and fault.reason in ("label_unreadable", "word_zero_area", "duplicate_picture")
    }
    assert {(record.label, record.reason) for record in records} == expected


@pytest.mark.parametrize("key", PARTITIONS)
def test_a_set_that_is_not_there_gives_an_empty_document(tmp_path, workspace, key):
    for folder in ("공공행정문서 OCR", "대용량 손글씨 OCR"):
        if key.startswith("handwriting") != folder.startswith("대용량"):
            (tmp_path / "share" / folder).mkdir(parents=True)
    partition = source_partition(key)
    manifest = merge_labels(Share(tmp_path / "share"), partition, workspace)
    assert list(read_pages(workspace.merged_json(key), partition)) == []
    assert isinstance(json.loads(workspace.merged_json(key).read_bytes()), dict)
    assert (manifest.counts.pages_in, manifest.counts.add_up) == (0, True)


def test_a_second_run_does_nothing(tmp_path, workspace):
    share = Share(write_tree(tmp_path / "share", hand_tree(3)))
    first = merge_labels(share, TRAIN, workspace)
    before = stamps(workspace.root)
    assert merge_labels(share, TRAIN, workspace) == first
    assert stamps(workspace.root) == before


def test_a_changed_label_rebuilds_only_its_shard(tmp_path, workspace, monkeypatch):
    monkeypatch.setattr(label_shards, "SHARD_SIZE", 2)
    root = write_tree(tmp_path / "share", hand_tree(6, folders=3))
    first = merge_labels(Share(root), TRAIN, workspace)
    store = workspace.shards(workspace.merged_json("handwriting_train"))
    before = {path.name: path.stat().st_ino for path in store.iterdir()}
    write_tree(root, {f"{HAND_LABELS}/R.Free1/IMG_OCR_53_4PR_00001.json": corner_label("새", "글", "셋")})
    second = merge_labels(Share(root), TRAIN, workspace)
    after = {path.name: path.stat().st_ino for path in store.iterdir()}
    assert len(before) == len(after) == 3
    assert len(before.items() & after.items()) == 2
    assert second.fingerprint != first.fingerprint
    texts = [word.text for page in read_pages(workspace.merged_json(TRAIN.key), TRAIN) for word in page.words]
    assert "셋" in texts
    assert "글1" not in texts


def test_shards_of_before_there_were_lineages_are_made_again(tmp_path, workspace, monkeypatch):
    root, target = write_tree(tmp_path / "share", hand_tree(6, folders=3)), workspace.merged_json("handwriting_train")
    with monkeypatch.context() as before:
        before.setattr(label_shards, "write_traces", lambda *_: None)
        before.setattr(merge_stage, "traces_in", lambda _: ())
        merge_labels(Share(root), TRAIN, workspace)
    assert not lineage_path(target).exists()
    write_tree(root, {f"{HAND_LABELS}/R.Free1/IMG_OCR_53_4PR_00001.json": corner_label("새", "글", "셋")})
    merge_labels(Share(root), TRAIN, workspace)
    assert [(trace.image, trace.words) for trace in read_traces(lineage_path(target))] == [
        (page.image, len(page.words)) for page in read_pages(target, TRAIN)
    ]


def test_a_label_that_is_gone_is_gone_from_the_document(tmp_path, workspace):
    root = write_tree(tmp_path / "share", hand_tree(3))
    merge_labels(Share(root), TRAIN, workspace)
    (root / f"{HAND_LABELS}/R.Free0/IMG_OCR_53_4PR_00001.json").unlink()
    manifest = merge_labels(Share(root), TRAIN, workspace, renewal=Renewal(accept_loss=True))
    assert [page.image[-5:] for page in read_pages(workspace.merged_json(TRAIN.key), TRAIN)] == ["0.png", "2.png"]
    assert manifest.counts.pages_in == 2


def test_one_and_two_worker_processes_give_the_same_bytes(tmp_path, monkeypatch):
    share = Share(write_tree(tmp_path / "share", hand_tree(12, folders=4)))
    alone, pool = Workspace(tmp_path / "alone"), Workspace(tmp_path / "pool")
    monkeypatch.setattr(label_shards, "SHARD_SIZE", 2)
    merge_labels(share, TRAIN, alone, workers=1)
    monkeypatch.setattr(merged_stage, "_FEW", 0)
    used = []
    real = merged_stage.worker_processes
    monkeypatch.setattr(merged_stage, "worker_processes", lambda count: used.append(count) or real(count))
    merge_labels(share, TRAIN, pool, workers=2)
    assert used == [2]
    assert contents(pool.root) == contents(alone.root)


def test_the_size_of_shards_does_not_change_the_document(tmp_path, monkeypatch):
    share = Share(write_tree(tmp_path / "share", hand_tree(7, folders=2)))
    documents = set()
    for size in (1, 3, 100):
        monkeypatch.setattr(label_shards, "SHARD_SIZE", size)
        workspace = Workspace(tmp_path / str(size))
        merge_labels(share, TRAIN, workspace)
        documents.add(workspace.merged_json(TRAIN.key).read_bytes())
    assert len(documents) == 1


def test_nfd_and_nfc_trees_give_the_same_bytes(tmp_path):
    for form in ("nfc", "nfd"):
        write_collection(tmp_path / form, pages=2, page_size=(160, 224), faults=True, nfd=form == "nfd")
        for partition in PARTITIONS.values():
            merge_labels(Share(tmp_path / form), partition, Workspace(tmp_path / f"out-{form}"))
    assert contents(tmp_path / "nfc").keys().isdisjoint(contents(tmp_path / "nfd"))
    nfc, nfd = (contents(tmp_path / f"out-{form}" / "json_merged") for form in ("nfc", "nfd"))
    documents = {name for name in nfc if not name.endswith(".manifest.json")}
    assert len(documents) == 30
    assert {name: nfc[name] for name in documents} == {name: nfd[name] for name in documents}


def test_text_in_the_wild_keeps_its_original(tmp_path, workspace):
    words = [wild_word("1", "가", [2, 4, 10, 10]), wild_word("1", "나", [2, 4, 0, 10])]
    label = wild_label([wild_image("1", "A.jpg"), wild_image("2", "B.jpg")], words)
    share = Share(write_tree(tmp_path / "share", {WILD_LABEL: label}))
    manifest = merge_labels(share, WILD_SET, workspace)
    target = workspace.merged_json("text_in_wild")
    assert target.name == "textinthewild_data_info.json"
    assert target.read_bytes() == (tmp_path / "share" / WILD_LABEL).read_bytes()
    assert [(page.image, page.split) for page in read_pages(target, WILD_SET)] == [
        ("A.jpg", "valid"),
        ("B.jpg", "train"),
    ]
    assert (manifest.counts.words_in, manifest.counts.words_out) == (2, 1)


def test_two_label_files_of_a_set_that_has_one_are_not_mixed(tmp_path, workspace):
    label = wild_label([wild_image("1", "A.jpg")], [])
    files = {WILD_LABEL: label, f"{WILD}/새 폴더 (2)/textinthewild_data_info.json": label}
    with pytest.raises(PipelineError, match=r"새 폴더 \(2\)"):
        merge_labels(Share(write_tree(tmp_path / "share", files)), WILD_SET, workspace)


def test_a_share_that_is_not_there_and_an_output_that_cannot_be_written(tmp_path, workspace):
    with pytest.raises(PipelineError, match="OCR_PIPELINE_SOURCE"):
        merge_labels(Share(tmp_path / "none"), TRAIN, workspace)
    share = Share(write_tree(tmp_path / "share", hand_tree(1)))
    workspace.root.write_text("a file where the folder should be")
    with pytest.raises(PipelineError, match="cannot write"):
        merge_labels(share, TRAIN, workspace)


def test_a_source_without_any_set_is_refused_and_says_what_is_there(tmp_path, workspace):
    share = Share(write_tree(tmp_path / "share", {"downloads/a.zip": b"", "photos/b.jpg": b""}))
    with pytest.raises(PipelineError, match=r"none of the data sets is at the source: .*downloads, photos"):
        merge_labels(share, TRAIN, workspace)
    assert not workspace.merged_json(TRAIN.key).exists()


def test_a_label_that_cannot_be_fetched_stops_the_run_and_says_which(tmp_path, workspace, monkeypatch):
    root = write_tree(tmp_path / "share", hand_tree(2))
    real = os.open

    def failing(path, *arguments, **options):
        if str(path).endswith("IMG_OCR_53_4PR_00001.json"):
            raise OSError(errno.EIO, "Input/output error")
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", failing)
    with pytest.raises(PipelineError, match="IMG_OCR_53_4PR_00001"):
        merge_labels(Share(root), TRAIN, workspace)


def test_a_share_in_memory_gives_the_bytes_of_a_local_one(tmp_path, workspace):
    root = write_tree(tmp_path / "share", hand_tree(4, folders=2))
    fsspec.filesystem("memory").put(str(root), "/merged-in-memory", recursive=True)
    merge_labels(Share("memory://merged-in-memory"), TRAIN, workspace)
    local = Workspace(tmp_path / "local")
    merge_labels(Share(root), TRAIN, local)
    assert workspace.merged_json(TRAIN.key).read_bytes() == local.merged_json(TRAIN.key).read_bytes()


def test_labels_over_ftp_in_two_processes_give_the_bytes_of_a_local_share(tmp_path, workspace, monkeypatch):
    root = write_tree(tmp_path / "share", hand_tree(6, folders=2))
    local = Workspace(tmp_path / "local")
    merge_labels(Share(root), TRAIN, local)
    monkeypatch.setattr(merged_stage, "_FEW", 0)
    with serving(root) as url:
        merge_labels(Share(url), TRAIN, workspace, workers=2)
    assert workspace.merged_json(TRAIN.key).read_bytes() == local.merged_json(TRAIN.key).read_bytes()


MERGE = """
import sys
from pathlib import Path
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.merged_json import label_shards, merge_labels
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline.storage.artifacts.workspace import Workspace

label_shards.SHARD_SIZE = 2
merge_labels(Share(sys.argv[1]), source_partition("handwriting_train"), Workspace(Path(sys.argv[2])), workers=1)
"""


@pytest.mark.kill
def test_killed_again_and_again_it_ends_in_the_same_bytes(tmp_path):
    root = write_tree(tmp_path / "share", hand_tree(160, folders=4))
    (root / f"{HAND_LABELS}/R.Free0/IMG_OCR_53_4PR_00000.json").write_bytes(b"{")
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    run(MERGE, root, calm)
    store = killed / ".shards" / "handwriting_train_merged.json"
    target = killed / "json_merged" / "handwriting_train_merged.json"
    kept, chance = 0, random.Random(1)
    for _ in range(5):
        wanted = kept + chance.randint(1, 12)
        assert kill_when(lambda wanted=wanted: len(finished(store)) >= wanted, MERGE, root, killed)
        assert not target.exists()
        assert len(finished(store)) >= wanted
        kept = len(finished(store))
    run(MERGE, root, killed)
    assert contents(killed) == contents(calm)


def finished(store: Path) -> list[str]:
    return [path.name for path in store.iterdir() if not path.name.startswith(".")] if store.exists() else []


def test_pictures_of_the_share_do_not_matter_here(tmp_path, workspace):
    root = write_tree(tmp_path / "share", hand_tree(2))
    first = merge_labels(Share(root), TRAIN, workspace)
    write_tree(root, {f"{HAND_PICTURES}/R.Free0/another.png": b"1"})
    assert merge_labels(Share(root), TRAIN, workspace) == first
