from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ocr_pipeline.data.layout_lmdb import LayoutRecord, write_layout_samples
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import find_lmdbs, read_config
from ocr_pipeline.fast.config import Augmentation, FastConfig
from ocr_pipeline.fast.data import Pages, SampleOrder, TrainingCrops, ValidationPages, labelled_areas
from ocr_pipeline_tests.fast.conftest import draw_page, with_ignored

STILL = FastConfig(
    variant="narrow",
    img_size=128,
    short_size=128,
    augmentation=Augmentation(
        scale=(1, 1), aspect=(1, 1), rotation=0, flip=0, blur=0, brightness=0, contrast=0, saturation=0, hue=0
    ),
)


def test_pages_of_several_lmdbs_stand_one_after_the_other(lmdbs):
    pages = Pages(lmdbs)
    assert len(pages) == 9
    assert [pages.read(index)[1].image for index in (0, 5, 6, 8)] == ["0.png", "5.png", "100.png", "102.png"]
    assert [entry["samples"] for entry in pages.manifest()] == [6, 3]


def test_no_page_at_all_is_an_error(tmp_path: Path):
    write_layout_samples(tmp_path / "empty.lmdb", [], {})
    for paths in ([], [tmp_path / "empty.lmdb"]):
        with pytest.raises(PipelineError, match="no page"):
            Pages(paths)


def test_a_damaged_picture_is_named(tmp_path: Path):
    image, record = draw_page(0)
    write_layout_samples(tmp_path / "a.lmdb", [(image, record), (image[:100], record)], {})
    with pytest.raises(PipelineError, match=r"a\.lmdb, sample 1"):
        Pages([tmp_path / "a.lmdb"]).read(1)


def test_a_crop_has_its_words_in_all_maps(lmdbs):
    batch = TrainingCrops(Pages(lmdbs), STILL, seed=0)[0, 0]
    _, record = draw_page(0)
    assert batch.pictures.shape == (3, 128, 128) and batch.pictures.dtype == torch.uint8
    assert len(torch.unique(batch.instance)) == 1 + len(record.words)
    assert torch.equal(batch.text > 0, batch.instance > 0)
    assert batch.mask.all()
    assert 0 < batch.kernel.sum() < batch.text.sum()
    assert batch.pictures[:, batch.text > 0].float().mean() < 130 < batch.pictures[:, batch.text == 0].float().mean()


def test_illegible_words_and_unlabelled_regions_are_masked(tmp_path: Path):
    image, record = draw_page(0)
    ignoring = with_ignored(record)
    write_layout_samples(tmp_path / "a.lmdb", [(image, ignoring)], {})
    batch = TrainingCrops(Pages([tmp_path / "a.lmdb"]), STILL, seed=0)[0, 0]
    for word in record.words[:2]:
        x, y = np.mean(word.quad, axis=0).astype(int)
        assert batch.mask[y, x] == batch.text[y, x] == batch.kernel[y, x] == 0
    assert len(torch.unique(batch.instance)) == 1 + len(record.words) - 2
    assert labelled_areas(ignoring)[1] == [True, *[False] * (len(record.words) - 2), True]


def test_beyond_the_page_nothing_is_learnt(lmdbs):
    small = FastConfig(variant="narrow", img_size=192, short_size=128, augmentation=STILL.augmentation)
    mask = TrainingCrops(Pages(lmdbs), small, seed=0)[0, 0].mask
    assert mask[:128, :128].all() and not mask[130:].any() and not mask[:, 130:].any()


def test_a_word_that_leaves_the_crop_has_its_kernel_up_to_the_edge(lmdbs):
    """Erosion happens at the word's own edge; at the crop's edge the word goes on."""
    config = FastConfig(variant="narrow", img_size=32, short_size=128, augmentation=STILL.augmentation)
    crops = TrainingCrops(Pages(lmdbs), config, seed=0)
    for position in range(40):
        batch = crops[position, 0]
        left = batch.text[:, 0].nonzero()
        if len(left) > 10:
            middle = left[len(left) // 2, 0]
            assert batch.kernel[middle, 0] == 1
            return
    pytest.fail("no crop cut a word at its left edge")


def test_a_sample_depends_on_seed_and_position_alone(lmdbs, config):
    settings = read_config(config)
    one, two = (TrainingCrops(Pages(lmdbs), settings, seed=3) for _ in range(2))
    one[0, 0]  # what was read before must not matter
    assert all(torch.equal(a, b) for a, b in zip(one[7, 2], pickle.loads(pickle.dumps(two))[7, 2], strict=True))  # noqa: S301
    assert not torch.equal(one[7, 2].pictures, one[8, 2].pictures)


def test_the_order_visits_each_page_once_a_lap_and_can_start_anywhere():
    whole = list(SampleOrder([(5, 5)], seed=1, start=0, stop=15))
    assert [position for position, _ in whole] == list(range(15))
    laps = [[page for _, page in whole[lap : lap + 5]] for lap in (0, 5, 10)]
    assert all(sorted(lap) == [0, 1, 2, 3, 4] for lap in laps)
    assert laps[0] != laps[1] or laps[1] != laps[2]
    assert list(SampleOrder([(5, 5)], seed=1, start=7, stop=15)) == whole[7:]


def test_weights_repeat_pages_and_leave_some_out():
    order = [page for _, page in SampleOrder([(4, 10), (6, 3), (2, 0)], seed=1, start=0, stop=26)]
    for lap in (order[:13], order[13:]):
        assert sorted(lap.count(page) for page in range(4)) == [2, 2, 3, 3]
        assert sorted(lap.count(page) for page in range(4, 10)) == [0, 0, 0, 1, 1, 1]
        assert max(lap) < 10
    assert order[:13] != order[13:]


def test_weights_are_named_by_data_set(lmdbs, tmp_path: Path):
    pages = Pages(lmdbs)
    assert pages.shares({}) == [(6, 6), (3, 3)]
    assert pages.shares({"drawn": 1.5}) == [(6, 9), (3, 4)]
    for weights in ({"other": 1.0}, {"drawn": 0.0}):
        with pytest.raises(PipelineError, match=r"drawn\.$"):
            pages.shares(weights)


def test_text_that_nobody_labelled_and_no_model_masked_is_warned_of(tmp_path: Path, caplog):
    for name, model in (("handwriting", "none"), ("public_admin", "none"), ("finance_logistics", "PP-DocLayoutV2")):
        write_layout_samples(tmp_path / f"{name}_train_layout.lmdb", [draw_page(0)], {"model": model})
    Pages(sorted(tmp_path.glob("*.lmdb"))).warn_of_unlabelled_text()
    assert [record.args for record in caplog.records] == [("handwriting_train_layout.lmdb",)]


def test_a_sample_is_named_by_its_page(lmdbs):
    assert Pages(lmdbs).name(7) == "101.png (drawn_valid_layout.lmdb, sample 1)"


def test_validation_pages_are_whole_and_spread_evenly(lmdbs):
    dataset = ValidationPages(Pages(lmdbs), short_size=256, most=3)
    assert len(dataset) == 3
    page = dataset[1]
    assert page.picture.shape == (256, 256, 3) and page.original_size == (128, 128)
    assert [truth.ignore for truth in page.truths] == [False] * len(draw_page(3)[1].words)
    assert len(ValidationPages(Pages(lmdbs), 256, None)) == 9


def test_lmdbs_are_found_by_split(tmp_path: Path):
    for name in ("b_train_layout.lmdb", "a_train_layout.lmdb", "a_train_partly_layout.lmdb", "a_valid_layout.lmdb"):
        (tmp_path / name).mkdir()
    assert [path.name for path in find_lmdbs(tmp_path, "train")] == ["a_train_layout.lmdb", "b_train_layout.lmdb"]
    for name in ("b_train.lmdb", "old_train.lmdb", "a_annotations_train.lmdb"):
        (tmp_path / name).mkdir()
    found = [path.name for path in find_lmdbs(tmp_path, "train")]
    assert found == ["a_train_layout.lmdb", "b_train_layout.lmdb", "old_train.lmdb"]
    with pytest.raises(PipelineError, match="test_layout"):
        find_lmdbs(tmp_path, "test")


def test_an_empty_lmdb_beside_a_good_one_is_passed_over_by_name(tmp_path: Path, lmdbs, caplog):
    empty = tmp_path / "handwriting_train_layout.lmdb"
    write_layout_samples(empty, [], {"model": "none"})
    pages = Pages([empty, lmdbs[0]])
    assert len(pages) == len(Pages(lmdbs[:1])) and "handwriting_train_layout.lmdb" in caplog.text
    assert [shares for shares, _ in pages.shares({})] == [len(pages)]


def test_a_validation_page_is_bounded_as_a_detected_one_is(tmp_path: Path):
    strip = cv2.imencode(".png", np.full((3000, 60, 3), 255, np.uint8))[1].tobytes()
    record = LayoutRecord("ocr_public", "valid", "s.png", "s.json", 60, 3000, ())
    write_layout_samples(tmp_path / "ocr_public_valid_layout.lmdb", [(strip, record)], {"model": "none"})
    page = ValidationPages(Pages([tmp_path / "ocr_public_valid_layout.lmdb"]), 640, None)[0]
    assert page.picture.shape == (4096, 96, 3)
