"""What the detector makes of layout LMDBs: ignore areas in its masks, words in its targets."""

import msgspec
import numpy as np
import pytest

from ocr_pipeline.data.layout_lmdb import Engines, LayoutReader, LayoutSettings
from ocr_pipeline.fast.config import Augmentation, FastConfig
from ocr_pipeline.fast.data import Pages, TrainingCrops
from ocr_pipeline_tests.data.layout_lmdb.making import Oracle, Share, page, picture, publish, rectangle

WORDS = [rectangle(10, 10, 40, 22), rectangle(10, 50, 45, 62)]
PRINTED = (60, 20, 110, 60)
"""Where a finance form has printed text that nobody labelled."""

STILL = FastConfig(
    variant="narrow",
    pooling_size=3,
    img_size=128,
    short_size=80,
    augmentation=Augmentation(
        scale=(1, 1), aspect=(1, 1), rotation=0, flip=0, blur=0, brightness=0, contrast=0, saturation=0, hue=0
    ),
)


def build(target, regions, *, dataset="finance_logistics", words=WORDS):
    labelled = msgspec.structs.replace(page(0, words), dataset=dataset)
    share = Share({"0.jpg": picture()})
    return publish(target, [labelled], share, Engines(Oracle(*regions)), LayoutSettings())


def filled(*boxes) -> np.ndarray:
    """The page (80 x 120) with ones in the boxes, whose right and bottom edges belong to them when drawn."""
    canvas = np.zeros((80, 120), bool)
    for x0, y0, x1, y1 in boxes:
        canvas[y0 : y1 + 1, x0 : x1 + 1] = True
    return canvas


@pytest.fixture
def regions():
    around_the_words = ("text", 0.9, (5, 5, 50, 70))
    logo, faint = ("image", 0.9, (60, 65, 80, 78)), ("text", 0.4, (90, 65, 110, 78))
    return around_the_words, ("text", 0.8, PRINTED), logo, faint


def test_the_mask_is_zero_exactly_where_printed_text_has_no_label(tmp_path, regions):
    build(tmp_path / "a", regions)
    assert LayoutReader(tmp_path / "a").read(0)[1].ignore_boxes() == [PRINTED]
    batch = TrainingCrops(Pages([tmp_path / "a"]), STILL, seed=0)[0, 0]
    mask, text = batch.mask.numpy(), batch.text.numpy()
    top, left = (np.flatnonzero(mask.any(axis=axis))[0] for axis in (1, 0))
    on_page = slice(top, top + 80), slice(left, left + 120)
    assert (mask[on_page] == 0).tolist() == filled(PRINTED).tolist()
    words = [(10, 10, 40, 22), (10, 50, 45, 62)]
    assert (text[on_page] == 1).tolist() == filled(*words).tolist()


def test_a_fully_labelled_set_masks_nothing(tmp_path, regions):
    build(tmp_path / "a", regions, dataset="ocr_public")
    mask = TrainingCrops(Pages([tmp_path / "a"]), STILL, seed=0)[0, 0].mask.numpy()
    top, left = (np.flatnonzero(mask.any(axis=axis))[0] for axis in (1, 0))
    assert mask[top : top + 80, left : left + 120].all()


def test_every_word_of_a_dense_page_reaches_the_target(tmp_path):
    dense = [rectangle(x, y, x + 5, y + 3) for y in range(2, 76, 5) for x in range(2, 114, 7)]
    assert len(dense) == 240  # more than the 200 at which the original stops drawing
    counts = build(tmp_path / "a", (), words=dense).counts
    assert counts.words_out == len(dense)
    instance = TrainingCrops(Pages([tmp_path / "a"]), STILL, seed=0)[0, 0].instance.numpy()
    assert len(np.unique(instance[instance > 0])) == len(dense)
