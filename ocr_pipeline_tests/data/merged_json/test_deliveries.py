"""Whole data sets as AI-Hub delivers them: zips beside zips, copies, damage, and shares that go away."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

from ocr_pipeline.data.datasets import PARTITIONS, source_partition
from ocr_pipeline.data.lookup import build_lookup, load_lookup
from ocr_pipeline.data.merged_json import label_shards, merge_labels, read_pages
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import nfc
from ocr_pipeline.storage.artifacts.manifest import quarantine_path, read_manifest
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.shards import shard_counts
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source import remote_files
from ocr_pipeline.storage.source.local_files import LocalFiles
from ocr_pipeline.storage.source.share import DamagedError, Share
from ocr_pipeline_tests.storage.source.ftp_server import serving
from ocr_pipeline_tests.storage.source.test_archives import archive
from ocr_pipeline_tests.trees import (
    FINANCE,
    HAND_LABELS,
    HAND_PICTURES,
    WILD_LABEL,
    corner_label,
    encode,
    hand_tree,
    picture,
    wild_image,
    wild_label,
    wild_word,
    write_tree,
)

TRAIN = source_partition("handwriting_train")
LABELS, PICTURES = f"{FINANCE}/02.라벨링데이터", f"{FINANCE}/01.원천데이터"


def zipped(root: Path, to: Path) -> Path:
    """The same tree with the folders that AI-Hub delivers as archives as such: names in cp949 after a slash."""
    shutil.copytree(root, to)
    kinds = ("TL", "VL", "TS", "VS", "[라벨]", "[원천]")
    for folder in sorted(path for path in to.rglob("*") if path.is_dir() and path.name.startswith(kinds)):
        if folder.exists():
            members = {
                nfc(str(path.relative_to(folder))): path.read_bytes() for path in folder.rglob("*") if path.is_file()
            }
            folder.with_name(f"{folder.name}.zip").write_bytes(archive(members, "cp949", lead="/"))
            shutil.rmtree(folder)
    return to


def build(share: Share, workspace: Workspace, partition=TRAIN):
    return merge_labels(share, partition, workspace), build_lookup(share, partition, workspace)


@pytest.mark.parametrize("key", [key for key in PARTITIONS if key != "text_in_wild"])
def test_a_delivery_of_archives_is_the_unpacked_delivery(faulty_collection, tmp_path, key):
    partition = source_partition(key)
    packed, unpacked = Workspace(tmp_path / "packed"), Workspace(tmp_path / "unpacked")
    packed_share = Share(zipped(faulty_collection.root, tmp_path / "share"))
    results = build(packed_share, packed, partition), build(Share(faulty_collection.root), unpacked, partition)
    assert [manifest.counts for manifest in results[0]] == [manifest.counts for manifest in results[1]]
    assert results[0][0].counts.pages_out
    name = packed.merged_json(key).name
    assert packed.merged_json(key).read_bytes() == unpacked.merged_json(key).read_bytes(), name
    lookup = load_lookup(packed, partition)
    assert any(".zip/" in path for path in lookup.paths.values())
    for page in read_pages(packed.merged_json(key), partition):
        found = lookup.find(page)
        if isinstance(found, str):
            assert len(packed_share.read(packed_share.below_root(found))) >= 0
            assert lookup.version(found)


def test_a_new_delivery_rebuilds_only_what_it_changes(tmp_path, workspace, monkeypatch):
    monkeypatch.setattr(label_shards, "SHARD_SIZE", 3)
    zips = {
        f"{LABELS}/TL_{kind}.zip": {f"{kind}{n}.json": encode(corner_label(kind)) for n in range(3)} for kind in "abc"
    }
    root = write_tree(tmp_path / "share", {path: archive(members) for path, members in zips.items()})
    partition = source_partition("finance_logistics_train")
    merge_labels(Share(root), partition, workspace)
    store = workspace.shards(workspace.merged_json(partition.key))
    before = {path.name for path in store.iterdir()}
    zips[f"{LABELS}/TL_b.zip"]["b1.json"] = encode(corner_label("new"))
    write_tree(root, {path: archive(members) for path, members in zips.items()})  # all zips anew, one label changed
    merge_labels(Share(root), partition, workspace)
    after = {path.name for path in store.iterdir()}
    assert (len(before), len(after), len(before & after)) == (3, 3, 2)


@pytest.mark.parametrize("stem", ["A", "IMG_OCR_53_4PR_00500x", "~"])
def test_one_label_more_in_a_large_folder_moves_the_shards_near_to_it(tmp_path, monkeypatch, stem):
    monkeypatch.setattr(label_shards, "SHARD_SIZE", 20)
    root = write_tree(tmp_path, {f"{HAND_LABELS}/IMG_OCR_53_4PR_{n:05d}.json": b"" for n in range(1000)})

    def shards():
        share = Share(root)
        return [
            (s.fingerprint, len(s.job)) for s in label_shards.label_shards(share, TRAIN, TRAIN.label_folders(share))
        ]

    before = shards()
    assert 25 < len(before) < 100 and max(size for _, size in before) <= 80
    write_tree(root, {f"{HAND_LABELS}/{stem}.json": b""})
    assert len(set(shards()) - set(before)) <= 2
    assert sum(size for _, size in shards()) == 1001


def test_small_folders_share_shards_and_a_new_folder_moves_few_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr(label_shards, "SHARD_SIZE", 40)
    root = write_tree(
        tmp_path, {f"{HAND_LABELS}/{n:03d}/{n}-{m}.json": b"" for n in range(0, 400, 2) for m in range(3)}
    )

    def shards():
        share = Share(root)
        return list(label_shards.label_shards(share, TRAIN, TRAIN.label_folders(share)))

    before = shards()
    assert 15 < len(before) < 100
    assert max(len(shard.job) for shard in before) <= 40
    assert sum(len(shard.job) for shard in before) == 600
    write_tree(root, {f"{HAND_LABELS}/101/new.json": b""})
    after = {shard.fingerprint for shard in shards()}
    assert len({shard.fingerprint for shard in before} - after) <= 3


def test_a_damaged_archive_and_a_damaged_member_are_quarantined_by_name(tmp_path, workspace):
    good = archive({"a.json": encode(corner_label("가")), "b.json": encode(corner_label("나"))})
    bad_member = good[:45] + bytes([good[45] ^ 0x55]) + good[46:]
    files = {f"{LABELS}/TL_1.zip": good, f"{LABELS}/TL_2.zip": good[:-40], f"{LABELS}/TL_3.zip": bad_member}
    partition = source_partition("finance_logistics_train")
    share = Share(write_tree(tmp_path / "share", {**files, f"{PICTURES}/TS_4.zip": b"nothing"}))
    merged, lookup = build(share, workspace, partition)
    records = list(read_quarantine(quarantine_path(workspace.merged_json(partition.key))))
    assert [(record.reason, record.label) for record in records] == [
        ("label_unreadable", f"{LABELS}/TL_2.zip"),
        ("label_unreadable", f"{LABELS}/TL_3/a.json"),
    ]
    assert (merged.counts.pages_in, merged.counts.pages_out, merged.counts.add_up) == (5, 3, True)
    assert lookup.counts.reasons["page"] == {"image_missing": 3, "image_unreadable": 1}


def test_links_that_lead_nowhere_are_reported(tmp_path, workspace):
    root = write_tree(tmp_path / "share", hand_tree(2))
    for place in (f"{HAND_LABELS}/R.Free0/gone.json", f"{HAND_PICTURES}/R.Free0/gone.png"):
        (root / place).symlink_to("nowhere")
    merged, lookup = build(Share(root), workspace)
    assert merged.counts.reasons["page"] == {"label_unreadable": 1}
    assert lookup.counts.reasons["page"] == {"image_unreadable": 1}
    (record,) = read_quarantine(quarantine_path(workspace.merged_json(TRAIN.key)))
    assert record.label.endswith("gone.json")
    assert "link" in record.detail


def test_a_folder_that_may_not_be_listed_ends_the_run_and_is_named(tmp_path, workspace, monkeypatch):
    root = write_tree(tmp_path / "share", hand_tree(2))
    real = LocalFiles.contents

    def contents_of(self, path):
        if path.endswith("R.Free0"):
            raise self._explained(PermissionError(13, "Permission denied"), path)
        return real(self, path)

    monkeypatch.setattr(LocalFiles, "contents", contents_of)
    with pytest.raises(PipelineError, match=r"Permission denied.*R\.Free0"):
        merge_labels(Share(root), TRAIN, workspace)


def test_a_copy_of_a_label_is_set_aside_and_another_label_of_its_picture_is_kept(tmp_path, workspace):
    copies, others = f"{HAND_LABELS}/새 폴더 (2)", f"{HAND_LABELS}/새 폴더 (3)"
    files = {
        **hand_tree(2),
        f"{copies}/IMG_OCR_53_4PR_00001.json": corner_label("가나", "글1"),
        f"{others}/IMG_OCR_53_4PR_00001.json": corner_label("다른", "글", "셋"),
    }
    share = Share(write_tree(tmp_path / "share", files))
    _, manifest = build(share, workspace)
    counts = manifest.counts
    assert (counts.pages_in, counts.pages_out, counts.words_out, counts.add_up) == (4, 3, 7, True)
    assert counts.reasons == {"page": {"duplicate_label": 1}, "word": {"duplicate_label": 2}}
    assert counts.notes == {"second_label": 1}
    lookup = load_lookup(workspace, TRAIN)
    found = {page.label: lookup.find(page) for page in read_pages(workspace.merged_json(TRAIN.key), TRAIN)}
    assert {label.split("/")[-2]: getattr(path, "reason", "") for label, path in found.items()} == {
        "R.Free0": "",
        "새 폴더 (2)": "duplicate_label",
        "새 폴더 (3)": "",
    }


def test_an_unreadable_text_in_the_wild_is_not_published(tmp_path, workspace):
    good = encode(wild_label([wild_image("1", "A.jpg")], [wild_word("1", "가", [2, 4, 10, 10])]))
    partition = source_partition("text_in_wild")
    root = write_tree(tmp_path / "share", {WILD_LABEL: good})
    first = merge_labels(Share(root), partition, workspace)
    target = workspace.merged_json(partition.key)
    for bad in (good[:-5], b"", b"[]", b'{"images":[]}', good.replace(b'"annotations"', b'"notes"')):
        write_tree(root, {WILD_LABEL: bad})
        with pytest.raises(PipelineError, match="textinthewild"):
            merge_labels(Share(root), partition, workspace)
        assert target.read_bytes() == good
        assert read_manifest(target) == first


def test_text_in_the_wild_in_an_archive_stays_byte_for_byte(tmp_path, workspace):
    label = wild_label([wild_image("1", "A.jpg"), {"id": "2"}], [wild_word("1", "가", [2, 4, 10, 10])])
    data = json.dumps(label, ensure_ascii=False, indent=3).encode("cp949")
    folder, _, name = WILD_LABEL.rpartition("/")
    share = Share(write_tree(tmp_path / "share", {f"{folder}/라벨.zip": archive({name: data})}))
    partition = source_partition("text_in_wild")
    manifest = merge_labels(share, partition, workspace)
    assert workspace.merged_json(partition.key).read_bytes() == data
    assert (manifest.counts.pages_in, manifest.counts.pages_out, manifest.counts.add_up) == (2, 1, True)
    assert [page.image for page in read_pages(workspace.merged_json(partition.key), partition)] == ["A.jpg"]


def test_a_share_that_goes_away_ends_the_run_and_what_was_done_stays(tmp_path, workspace, monkeypatch):
    monkeypatch.setattr(label_shards, "SHARD_SIZE", 5)
    monkeypatch.setattr(remote_files, "PAUSES", (0.01,))
    root = write_tree(tmp_path / "share", hand_tree(60))
    stop, real, read = threading.Event(), label_shards.read_label, []

    def read_label(*args):
        read.append(args[1])
        if len(read) == 30:
            stop.set()
        return real(*args)

    with serving(root) as url:
        share = Share(url)
        with monkeypatch.context() as patch:
            patch.setattr(label_shards, "read_label", read_label)
            failing = share._files._files
            asked = failing.read
            patch.setattr(failing, "read", lambda *args: asked(*args) if not stop.is_set() else failing.ask(_drop))
            with pytest.raises(PipelineError, match="does not answer"):
                merge_labels(share, TRAIN, workspace, workers=1)
        store = workspace.shards(workspace.merged_json(TRAIN.key))
        done = sum(shard_counts([path]).pages_in for path in store.iterdir() if not path.name.startswith("."))
        assert 10 <= done <= 40
        assert not workspace.merged_json(TRAIN.key).exists()
        monkeypatch.setattr(label_shards, "read_label", lambda *args: read.append(args[1]) or real(*args))
        read.clear()
        merge_labels(share, TRAIN, workspace, workers=1)
        assert len(read) == 60 - done
    local = Workspace(tmp_path / "local")
    merge_labels(Share(root), TRAIN, local)
    assert workspace.merged_json(TRAIN.key).read_bytes() == local.merged_json(TRAIN.key).read_bytes()


@pytest.mark.parametrize("key", ["handwriting_train", "text_in_wild"])
@pytest.mark.parametrize("quirk", ["short", "cut", "hung up"])
def test_what_a_server_sends_by_halves_ends_the_step_and_sets_nothing_aside(
    tmp_path, workspace, monkeypatch, quirk, key
):
    """The same share over a sound connection is read as if nothing had been."""
    monkeypatch.setattr(remote_files, "PAUSES", (0.0,))
    labels = archive({f"{number}.json": encode(corner_label(f"글{number}")) for number in range(3)})
    wild = wild_label([wild_image("1", "one.jpg")], [wild_word("1", "가", [1, 1, 9, 9])])
    root = write_tree(tmp_path / "share", {f"{HAND_LABELS}/TL.zip": labels, WILD_LABEL: wild})
    partition = source_partition(key)
    with serving(root, quirk=quirk) as url, pytest.raises(PipelineError, match="does not answer"):
        merge_labels(Share(url), partition, workspace, workers=1)
    target = workspace.merged_json(key)
    assert not target.exists() and not quarantine_path(target).exists()
    assert not any(workspace.shards(target).glob("[!.]*"))
    counts = merge_labels(Share(root), partition, workspace, workers=1).counts
    assert (counts.pages_in, counts.pages_out) == ((3, 3) if key == TRAIN.key else (1, 1))


def test_a_single_label_file_of_which_a_part_comes_ends_the_step(tmp_path, workspace, monkeypatch):
    wild = encode(wild_label([wild_image("1", "one.jpg")], []))
    share = Share(write_tree(tmp_path / "share", {WILD_LABEL: wild + b"\n"}))
    monkeypatch.setattr(share, "read_pieces", lambda path: [wild])
    with pytest.raises(PipelineError, match=f"{len(wild)} bytes came, {len(wild) + 1} were listed"):
        merge_labels(share, source_partition("text_in_wild"), workspace)


def _drop(*_):
    raise ConnectionResetError("gone")


def test_damage_is_told_by_reading_too(tmp_path):
    share = Share(write_tree(tmp_path, {"TL.zip": picture()}))
    with pytest.raises(DamagedError):
        share.read("TL.zip/a.json")
