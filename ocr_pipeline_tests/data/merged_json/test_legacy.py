"""Merged files of the scripts this project replaces, in their three shapes."""

from __future__ import annotations

import json

import pytest

from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels, read_pages
from ocr_pipeline.data.merged_json.format import is_merged_json
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import manifest_path, quarantine_path, read_manifest
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.trees import encode, hand_tree, wild_image, wild_label, wild_word, write_tree

QUAD = ((10, 20), (110, 20), (110, 50), (10, 50))


def pages(tmp_path, document, key, indent=2):
    path = tmp_path / "merged.json"
    path.write_text(json.dumps(document, ensure_ascii=False, indent=indent), encoding="utf-8")
    return list(read_pages(path, source_partition(key)))


@pytest.mark.parametrize("indent", [2, None])
def test_boxes_as_four_x_then_four_y(tmp_path, indent):
    document = {
        "images": [
            {
                "id": 1,
                "file_name": "IMG_OCR_53_4PR_1",
                "width": 200,
                "height": 100,
                "original_json_path": "/mnt/1.json",
            },
            {"id": 2, "file_name": "IMG_OCR_53_4PR_2", "width": 200, "height": 100},
        ],
        "annotations": [
            {"id": 1, "image_id": 2, "text": "나", "bbox": [10, 10, 110, 110, 20, 50, 20, 50]},
            {"id": 2, "image_id": 1, "text": "가", "bbox": [10, 10, 110, 110, 20, 50, 20, 50]},
            {"id": 3, "image_id": 1, "text": "xxx", "bbox": [10, 10, 110, 110, 20, 50, 20, 50]},
        ],
    }
    first, second = pages(tmp_path, document, "handwriting_train", indent)
    assert (first.dataset, first.split, first.image, first.width) == ("handwriting", "train", "IMG_OCR_53_4PR_1", 200)
    assert [(word.id, word.text, word.quad, word.state) for word in first.words] == [
        (0, "가", QUAD, "ok"),
        (1, "xxx", QUAD, "ignore"),
    ]
    assert (second.image, second.words[0].text) == ("IMG_OCR_53_4PR_2", "나")


def test_dotted_keys_with_sizes(tmp_path):
    document = {
        "images": [{"id": 7, "image.file.name": "a.jpg", "image.width": 200, "image.height": 100}],
        "annotations": [
            {"id": 5, "image_id": 7, "annotation.text": "김해를", "annotation.bbox": [10, 20, 100, 30]},
            {"id": 5, "image_id": 7, "annotation.text": "시장", "annotation.bbox": [10, 20, 100, 30]},
        ],
    }
    (page,) = pages(tmp_path, document, "public_admin_valid")
    assert (page.image, page.split) == ("a.jpg", "valid")
    assert [(word.id, word.text, word.quad) for word in page.words] == [(0, "김해를", QUAD), (1, "시장", QUAD)]


def test_the_original_of_text_in_the_wild(tmp_path):
    document = wild_label([wild_image("1", "A.jpg")], [wild_word("1", "가", [10, 20, 100, 30])])
    (page,) = pages(tmp_path, document, "text_in_wild", indent=None)
    assert (page.image, page.split, page.words[0].quad) == ("A.jpg", "valid", QUAD)


def test_nothing_at_all_names_the_command(tmp_path):
    with pytest.raises(PipelineError, match="ocr-pipeline merge --partition handwriting_train"):
        list(read_pages(tmp_path / "none.json", source_partition("handwriting_train")))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"images": 1, "annotations": []}', b'{"images": []}', b'{"images": [{"id": 1']
)
def test_what_is_none_of_the_shapes_is_a_mendable_error(tmp_path, content):
    path = tmp_path / "merged.json"
    path.write_bytes(content)
    for key in ("handwriting_train", "text_in_wild"):
        with pytest.raises(PipelineError, match=r"merged\.json"):
            list(read_pages(path, source_partition(key)))


@pytest.mark.parametrize("lost", [1, 3, 4, 40, 150])
def test_a_document_that_ends_early_is_noticed(tmp_path, lost):
    workspace, partition = Workspace(tmp_path / "out"), source_partition("handwriting_train")
    merge_labels(Share(write_tree(tmp_path / "share", hand_tree(3))), partition, workspace)
    path = workspace.merged_json(partition.key)
    path.write_bytes(path.read_bytes()[:-lost])
    if lost == 1:  # only the last line break
        assert len(list(read_pages(path, partition))) == 3
    else:
        with pytest.raises(PipelineError, match="damaged"):
            list(read_pages(path, partition))


def test_only_ours_counts_as_ours(tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(encode({"images": [], "annotations": []}))
    assert not is_merged_json(path)


def merged(*bad: dict, page: str = "IMG_OCR_53_4PR_00000") -> bytes:
    """A file of an earlier script: one good page of two words, and the given annotations on it."""
    box = [10, 10, 110, 110, 20, 50, 20, 50]
    words = [{"id": place, "image_id": 1, "text": text, "bbox": box} for place, text in enumerate(["가", "나"])]
    image = {"id": 1, "file_name": page, "width": 200, "height": 100, "original_json_path": "/mnt/1.json"}
    return encode({"images": [image], "annotations": [*words, *bad], "categories": [], "info": {"version": "1.0"}})


def put(workspace: Workspace, content: bytes, key: str = "handwriting_train"):
    target = workspace.merged_json(key)
    target.parent.mkdir(parents=True)
    target.write_bytes(content)
    return target


def test_a_finished_file_of_an_earlier_script_is_adopted_when_the_set_is_not_on_the_share(tmp_path, workspace):
    partition, share = (
        source_partition("handwriting_train"),
        Share(write_tree(tmp_path / "share", {"대용량 손글씨 OCR/a.txt": b""})),
    )
    bad = {"id": 9, "image_id": 1, "text": "다", "bbox": [10, 10, 10, 10, 20, 50, 20, 50]}
    target = put(workspace, content := merged(bad, {"image_id": 1, "bbox": None}, {"image_id": 7, "text": "라"}))
    manifest = merge_labels(share, partition, workspace)
    assert target.read_bytes() == content
    assert read_manifest(target) == manifest
    assert [each.name for each in manifest.inputs] == ["adopted", "labels"]
    counts = manifest.counts
    assert (counts.pages_in, counts.pages_out, counts.words_in, counts.words_out) == (1, 1, 5, 2)
    assert counts.add_up
    assert sorted(record.reason for record in read_quarantine(quarantine_path(target))) == [
        "word_malformed",
        "word_without_page",
        "word_zero_area",
    ]
    assert merge_labels(share, partition, workspace) == manifest
    lookup = build_lookup(share, partition, workspace)
    assert (lookup.counts.pages_in, lookup.counts.reasons["page"]) == (1, {"image_missing": 1})


def test_a_malformed_page_of_an_earlier_file_is_set_aside_alone(tmp_path, workspace):
    document = json.loads(merged())
    document["images"] += [{"id": 2, "width": 1}, "junk"]
    put(workspace, encode(document))
    share = Share(write_tree(tmp_path / "share", {"a.txt": b""}))
    manifest = merge_labels(share, source_partition("handwriting_train"), workspace)
    assert (manifest.counts.pages_in, manifest.counts.pages_out) == (3, 1)
    assert manifest.counts.reasons["page"] == {"label_unreadable": 2}


@pytest.mark.parametrize("content", [b"", b"text", b'{"images": 1}'])
def test_what_is_no_merged_file_is_not_adopted_and_not_touched(tmp_path, workspace, content):
    target = put(workspace, content)
    with pytest.raises(PipelineError, match="Move it away"):
        merge_labels(
            Share(write_tree(tmp_path / "share", {"a.txt": b""})), source_partition("handwriting_train"), workspace
        )
    assert target.read_bytes() == content


@pytest.mark.parametrize("adopted_before", [False, True])
def test_where_there_are_labels_an_earlier_file_is_put_aside(tmp_path, workspace, adopted_before):
    partition = source_partition("handwriting_train")
    target = put(workspace, content := merged())
    if adopted_before:
        merge_labels(Share(write_tree(tmp_path / "empty", {"a.txt": b""})), partition, workspace)
    manifest = merge_labels(Share(write_tree(tmp_path / "share", hand_tree(3))), partition, workspace)
    assert manifest.counts.pages_out == 3
    assert is_merged_json(target)
    assert target.with_name(target.name + ".earlier").read_bytes() == content


def test_ours_without_its_manifest_is_adopted_too(tmp_path, workspace):
    partition = source_partition("handwriting_train")
    first = merge_labels(Share(write_tree(tmp_path / "share", hand_tree(3))), partition, workspace)
    target = workspace.merged_json(partition.key)
    manifest_path(target).unlink()
    adopted = merge_labels(Share(write_tree(tmp_path / "empty", {"a.txt": b""})), partition, workspace)
    assert adopted.counts == first.counts
