from __future__ import annotations

import pytest

from ocr_pipeline.data.datasets import DATASETS, EVERY_PARTITION, PARTITIONS, source_partition
from ocr_pipeline.data.datasets.text_in_wild import split_by_name
from ocr_pipeline.data.merged_json.labels import read_label
from ocr_pipeline.errors import PipelineError
from ocr_pipeline_tests.data.datasets.wild import read_wild
from ocr_pipeline_tests.trees import admin_label, encode, wild_image, wild_label, wild_word


def read(document, partition):
    return read_label(encode(document), "x.json", source_partition(partition))


def wild(images, annotations):
    return read_wild(encode(wild_label(images, annotations)))


def test_the_five_sets_have_ten_partitions():
    assert [dataset.name for dataset in DATASETS] == [
        "text_in_wild",
        "public_admin",
        "ocr_public",
        "finance_logistics",
        "handwriting",
    ]
    assert len(PARTITIONS) == 10
    assert set(EVERY_PARTITION) - set(PARTITIONS) == {"synthetic_train", "synthetic_valid"}
    assert source_partition("text_in_wild").splits == ("train", "valid")
    assert source_partition("public_admin_train_partly").splits == ("train_partly",)


def test_an_unknown_partition_lists_the_known():
    with pytest.raises(PipelineError, match="handwriting_valid"):
        source_partition("handwriting")


def test_public_admin_keys_carry_dots_and_ids_repeat():
    (page,) = read(admin_label("5350178-1999-0001-0344.jpg", "김해를", "시장"), "public_admin_train").pages
    assert (page.dataset, page.split, page.image) == ("public_admin", "train", "5350178-1999-0001-0344.jpg")
    assert [(word.id, word.text) for word in page.words] == [(0, "김해를"), (1, "시장")]
    assert page.words[0].quad == ((2, 4), (18, 4), (18, 14), (2, 14))


def test_a_label_of_public_admin_names_one_picture():
    document = admin_label("a.jpg", "가")
    document["images"] *= 2
    assert read(document, "public_admin_train").quarantined[0].reason == "label_unreadable"


def test_character_boxes_are_only_counted():
    annotations = [
        wild_word("1", "가나", [2, 4, 20, 10]),
        wild_word("1", "가", [2, 4, 10, 10], "character"),
        wild_word("1", "나", [12, 4, 10, 10], "character"),
    ]
    parsed = wild([wild_image("1", "A.jpg")], annotations)
    assert [word.text for word in parsed.pages[0].words] == ["가나"]
    assert parsed.counts.notes == {"characters": 2}
    assert (parsed.counts.words_in, parsed.counts.words_out) == (1, 1)


def test_the_class_ignored_is_kept_but_not_learnt_from():
    annotations = [wild_word("1", None, [2, 4, 20, 10], "ignored"), wild_word("1", "가", [30, 4, 20, 10], "ignored")]
    parsed = wild([wild_image("1", "A.jpg")], annotations)
    assert [word.state for word in parsed.pages[0].words] == ["ignore", "ignore"]


@pytest.mark.parametrize("second", ["2", "1"])
def test_a_picture_listed_twice_is_one_page_with_all_words(second):
    annotations = [wild_word("1", "가", [2, 4, 10, 10]), wild_word(second, "나", [22, 4, 10, 10])]
    parsed = wild([wild_image("1", "A.jpg"), wild_image(second, "A.jpg")], annotations)
    (page,) = parsed.pages
    assert [(word.id, word.text) for word in page.words] == [(0, "가"), (1, "나")]
    assert [(record.reason, record.image) for record in parsed.quarantined] == [("duplicate_picture", "A.jpg")]
    assert (parsed.counts.pages_in, parsed.counts.pages_out) == (2, 1)
    assert parsed.counts.add_up


def test_pages_come_in_the_order_of_the_list_and_ids_may_be_numbers():
    images = [wild_image(2, "B.jpg"), wild_image(1, "A.jpg")]
    parsed = wild(images, [wild_word(1, "가", [2, 4, 10, 10]), wild_word("2", "나", [2, 4, 10, 10])])
    assert [(page.image, page.words[0].text) for page in parsed.pages] == [("B.jpg", "나"), ("A.jpg", "가")]


def test_a_word_of_no_page_is_set_aside():
    parsed = wild([wild_image("1", "A.jpg")], [wild_word("9", "가", [2, 4, 10, 10]), "junk"])
    assert [record.reason for record in parsed.quarantined] == ["word_without_page"] * 2
    assert parsed.counts.add_up


def test_the_split_depends_on_the_name_alone_and_is_nine_to_one():
    names = [f"{number:032X}.jpg" for number in range(5000)]
    parsed = wild([wild_image(str(number), name) for number, name in enumerate(names[::-1])], [])
    splits = {page.image: page.split for page in parsed.pages}
    assert splits == {name: split_by_name(name) for name in names}
    share = sum(split == "valid" for split in splits.values()) / len(names)
    assert 0.08 < share < 0.12


def test_the_split_of_known_names_never_changes():
    names = ("A.jpg", "E.jpg", "FFF2F34A08347075F55E72B240EFE691.jpg", "가.jpg", "\u1100\u1161.jpg")
    assert [split_by_name(name) for name in names] == ["valid", "valid", "train", "train", "train"]
