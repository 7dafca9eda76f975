from __future__ import annotations

import numpy as np
import pytest

from ocr_pipeline.fast.maps.targets import draw_targets, shrink
from ocr_pipeline_tests.fast.conftest import load_arrays, load_json

SIZE = (320, 480)
NAMES = {"text": "gt_texts", "kernel": "gt_kernels", "mask": "training_masks", "instance": "gt_instances"}


def quads() -> tuple[list[np.ndarray], list[bool]]:
    entries = load_json("polygons.json")["quads"]
    return [np.array(entry["quad"], np.int32).reshape(-1, 2) for entry in entries], [
        entry["word"] == "###" for entry in entries
    ]


@pytest.mark.parametrize("pooling_size", [5, 7, 9, 11, 15])
def test_maps_of_quads_are_those_of_the_reference(pooling_size):
    expected = load_arrays("targets.npz")
    targets = draw_targets(SIZE, *quads(), pooling_size)
    for name, reference in NAMES.items():
        np.testing.assert_array_equal(getattr(targets, name), expected[f"ic15_p{pooling_size}_{reference}"])


def test_maps_of_polygons_are_those_of_the_reference():
    expected, entries = load_arrays("targets.npz"), load_json("polygons.json")["polys"]
    width_and_height = np.array(SIZE[::-1])  # the reference stores shares of the picture and cuts their products
    polygons = [(np.array(entry["poly"]) / width_and_height * width_and_height).astype(np.int32) for entry in entries]
    targets = draw_targets(SIZE, polygons, [entry["word"] == "###" for entry in entries], 9)
    for name, reference in NAMES.items():
        np.testing.assert_array_equal(getattr(targets, name), expected[f"tt_p9_{reference}"])


def test_shrunk_quads_are_those_of_the_reference():
    assert [shrink(quad).tolist() for quad in quads()[0]] == load_json("polygons.json")["shrunk"]


def test_a_page_without_words_has_empty_maps_to_learn_from():
    targets = draw_targets((20, 30), [], [], 9)
    assert not targets.text.any() and not targets.kernel.any() and not targets.instance.any()
    assert targets.mask.all()


def test_a_thousand_words_are_a_thousand_instances():
    words = [
        np.array([(x, y), (x + 18, y), (x + 18, y + 12), (x, y + 12)])
        for x in range(0, 800, 20)
        for y in range(0, 375, 15)
    ]
    targets = draw_targets((375, 800), [word.astype(np.int32) for word in words], [False] * len(words), 5)
    assert len(words) == 1000
    assert len(np.unique(targets.instance)) == 1001
    assert targets.instance.max() == 1000


def test_a_word_outside_the_picture_leaves_no_trace():
    outside = np.array([(50, 5), (70, 5), (70, 15), (50, 15)], np.int32)
    targets = draw_targets((20, 30), [outside], [False], 5)
    assert not targets.text.any() and not targets.kernel.any()
