from __future__ import annotations

import pytest

from ocr_pipeline.data.datasets import DATASETS, PARTITIONS
from ocr_pipeline.data.quality.published import compare_counts
from ocr_pipeline.storage.artifacts.quarantine import Counts


def states(partition, **pages):
    counts = {key: Counts(pages_in=number, words_in=number) for key, number in pages.items()}
    return [(each.found, each.published, each.state) for each in compare_counts(PARTITIONS[partition], counts)]


@pytest.mark.parametrize(
    ("pages", "state"),
    [
        (102_477, "matches"),
        (102_000, "matches"),
        (101_000, "differs"),
        (110_000, "differs"),
        (51_000, "sample"),
        (0, "sample"),
    ],
)
def test_what_came_in_is_compared_with_what_is_known(pages, state):
    assert states("public_admin_train", public_admin_train=pages) == [(pages, 102_477, state)]


def test_a_number_known_of_two_partitions_is_compared_with_both():
    both = {"finance_logistics_train": 140_000, "finance_logistics_valid": 17_919}
    for partition in both:
        assert states(partition, **both) == [(157_919, 157_919, "matches")]
    assert states("finance_logistics_train", finance_logistics_train=140_000) == [(140_000, 157_919, "differs")]


def test_about_a_hundred_thousand_is_said_with_a_wider_tolerance():
    assert states("text_in_wild", text_in_wild=98_900) == [(98_900, 100_000, "matches")]


def test_words_are_compared_where_their_number_is_known():
    assert states("public_admin_valid", public_admin_valid=11_397) == [
        (11_397, 11_397, "matches"),
        (11_397, 1_339_230, "sample"),
    ]


def test_a_partition_of_unknown_size_is_only_counted():
    assert states("public_admin_train_partly", public_admin_train_partly=7) == [(7, None, "unknown")]


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_every_known_number_is_of_splits_that_exist(dataset):
    named = [split for known in dataset.known_counts for split in known.splits]
    assert set(named) <= set(dataset.splits or ())
    assert len(named) == len(set(named))


def test_one_partition_of_the_five_sets_is_of_unknown_size():
    five = {"text_in_wild", "public_admin", "ocr_public", "finance_logistics", "handwriting"}
    keys = [key for key, partition in PARTITIONS.items() if partition.dataset.name in five]
    assert [key for key in keys if states(key, **{key: 1})[0][2] == "unknown"] == ["public_admin_train_partly"]
