"""Merged files of the scripts this project replaces, in their three shapes."""

from __future__ import annotations

import json

import pytest

from ocr_pipeline.datasets import source_partition
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.merged_json import merge_labels, read_pages
from ocr_pipeline.merged_json.format import is_merged_json
from ocr_pipeline.storage.share import Share
from ocr_pipeline.storage.workspace import Workspace

from ..trees import encode, hand_tree, wild_image, wild_label, wild_word, write_tree

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
    "content", [b"", b"{", b"[]", b'{"images": 1, "annotations": []}', b'{"images": [{}], "annotations": []}']
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
