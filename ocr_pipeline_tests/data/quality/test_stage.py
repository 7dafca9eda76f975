from __future__ import annotations

import msgspec
import pytest

from ocr_pipeline.data.datasets import PARTITIONS, source_partition
from ocr_pipeline.data.quality import (
    Quality,
    QualitySettings,
    measure_quality,
    read_quality,
    write_report,
)
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.quality.making import TRAIN, VALID, admin_page, measure, publish
from ocr_pipeline_tests.storage.source.ftp_server import serving
from ocr_pipeline_tests.trees import HAND_LABELS, corner_label, hand_tree, write_tree

HAND = source_partition("handwriting_train")


def stamps(root):
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in root.rglob("*") if path.suffix != ".lock"}


@pytest.mark.parametrize("key", PARTITIONS)
def test_all_pages_and_words_of_every_set_are_measured(faulty_collection, workspace, key):
    partition = source_partition(key)
    share = publish(faulty_collection.root, workspace, partition, crops=True)
    quality = measure(share, workspace, partition)
    merged = read_manifest(workspace.merged_json(key)).counts
    assert (quality.page_count, quality.word_count) == (merged.pages_out, merged.words_out)
    assert sum(quality.pages.values()) == quality.words_per_page.count
    assert sum(quality.groups.values()) == sum(quality.characters.values()) > 0
    assert quality.text_lengths.count == quality.word_count - quality.words_ignored
    assert quality.boxes.widths.count == sum(count for _, count in quality.boxes.heights.bins) == quality.word_count
    outside = sum(fault.partition == key and fault.reason == "word_outside" for fault in faulty_collection.faults)
    assert quality.boxes.wholly_outside == outside
    assert set(quality.crops) == {
        workspace.annotations(partition.dataset.name, split, "lmdb").name for split in partition.splits
    }
    assert {sample.kind for sample in quality.samples} >= {"rare", "largest", "smallest"}
    assert quality.comparison.leaks.groups == 0
    assert all(each.state in ("sample", "unknown") for each in quality.published)


def test_a_second_run_does_nothing(tmp_path, workspace):
    share = publish(write_tree(tmp_path / "share", hand_tree(3)), workspace, HAND)
    first = measure_quality(share, HAND, workspace)
    before = stamps(workspace.root)
    share.read = share.walk = None  # it would fail if it were asked
    assert measure_quality(share, HAND, workspace) == first
    assert stamps(workspace.root) == before


def test_a_changed_label_new_crops_and_a_sibling_measure_anew(tmp_path, workspace):
    root = write_tree(tmp_path / "share", {**admin_page("train", "a"), **admin_page("valid", "b")})
    share = publish(root, workspace, TRAIN)
    fingerprints = [measure_quality(share, TRAIN, workspace)]
    write_tree(root, admin_page("train", "a", "새", "글"))
    fingerprints.append(measure_quality(publish(root, workspace, TRAIN), TRAIN, workspace))
    publish(root, workspace, VALID)
    fingerprints.append(measure_quality(share, TRAIN, workspace))
    publish(root, workspace, TRAIN, crops=True)
    fingerprints.append(measure_quality(share, TRAIN, workspace))
    inputs = [tuple(item.fingerprint for item in manifest.inputs) for manifest in fingerprints]
    assert len(set(inputs)) == 4
    names = [item.name for item in fingerprints[-1].inputs]
    assert names == [
        "merged_json",
        "lookup",
        "merged_json public_admin_valid",
        "lookup public_admin_valid",
        "public_admin_annotations_train.lmdb",
    ]
    assert read_quality(workspace.quality("public_admin_train")).crops == {"public_admin_annotations_train.lmdb": 2}


def test_the_same_data_gives_the_same_bytes_and_a_report(faulty_collection, tmp_path):
    found = []
    for name in "ab":
        workspace = Workspace(tmp_path / name)
        share = publish(faulty_collection.root, workspace, TRAIN, VALID, crops=True)
        for partition in (TRAIN, VALID):
            measure_quality(share, partition, workspace)
        found.append([workspace.quality(TRAIN.key).read_bytes(), write_report(workspace).read_bytes()])
    assert found[0] == found[1]


def test_a_share_behind_ftp_gives_the_same_numbers_and_pictures(tmp_path):
    root = write_tree(tmp_path / "share", {**hand_tree(4), **admin_page("train", "a"), **admin_page("train", "b")})
    with serving(root) as url:
        found = [
            measure(publish(Share(source), Workspace(tmp_path / name), HAND), Workspace(tmp_path / name), HAND)
            for name, source in (("local", str(root)), ("remote", url))
        ]
    assert found[0].samples == found[1].samples and found[0].characters == found[1].characters
    assert "ftp" not in msgspec.json.encode(found[0]).decode()


def test_no_credentials_are_written(tmp_path, workspace):
    root = write_tree(tmp_path / "share", hand_tree(2))
    with serving(root) as url:
        assert "secret" in url
        share = publish(Share(url), workspace, HAND)
        measure_quality(share, HAND, workspace)
        write_report(workspace)
    for file in (workspace.root / "quality").rglob("*"):
        assert not file.is_file() or b"secret" not in file.read_bytes()


def test_a_set_that_is_not_there_is_measured_as_empty(tmp_path, workspace):
    (tmp_path / "share" / "공공행정문서 OCR").mkdir(parents=True)
    quality = measure(publish(tmp_path / "share", workspace, HAND), workspace, HAND)
    assert (quality.page_count, quality.samples, quality.characters) == (0, [], {})


def test_what_is_missing_is_said_with_its_remedy(tmp_path, workspace):
    (tmp_path / "share" / "공공행정문서 OCR").mkdir(parents=True)
    with pytest.raises(PipelineError, match="merged_json is not published"):
        measure_quality(Share(tmp_path / "share"), HAND, workspace)
    with pytest.raises(PipelineError, match="ocr-pipeline quality"):
        read_quality(workspace.quality(HAND.key))
    workspace.quality(HAND.key).parent.mkdir(parents=True)
    workspace.quality(HAND.key).write_text("{")
    with pytest.raises(PipelineError, match="Delete it"):
        read_quality(workspace.quality(HAND.key))


@pytest.mark.parametrize(("value", "seconds"), [("", None), ("90", 90.0), ("0.5", 0.5)])
def test_the_time_for_comparing_is_a_setting(value, seconds):
    assert QualitySettings.from_environment({"OCR_PIPELINE_QUALITY_SECONDS": value}).seconds == seconds


def test_a_time_that_is_no_number_is_refused():
    with pytest.raises(PipelineError, match="OCR_PIPELINE_QUALITY_SECONDS"):
        QualitySettings.from_environment({"OCR_PIPELINE_QUALITY_SECONDS": "soon"})


def test_suspicious_labels_are_counted_with_picture_and_place(tmp_path, workspace):
    label = f"{HAND_LABELS}/R.Free0/IMG_OCR_53_4PR_00001.json"
    root = write_tree(tmp_path / "share", {**hand_tree(2), label: corner_label("\ue000", "국ㅇㄴ", "郎")})
    quality: Quality = measure(publish(root, workspace, HAND), workspace, HAND)
    assert {kind: quality.suspicious(kind) for kind in quality.suspicions} == {
        "not_nfc": 0, "private_use": 1, "compatibility": 0, "split_jamo": 0, "unprintable": 0,
    }  # fmt: skip
    (place,) = quality.suspicions["private_use"].examples
    assert (place.label, place.word, place.text) == (label, 0, "\ue000")
    assert [sample.caption for sample in quality.samples if sample.kind == "private_use"] == ["\ue000"]
    assert (quality.groups["Hanja"], quality.groups["jamo"]) == (1, 2)
