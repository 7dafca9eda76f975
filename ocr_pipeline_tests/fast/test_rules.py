"""Where we learn otherwise than the published code: both ways, side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec import structs

from ocr_pipeline.data.layout_lmdb import LayoutRecord, LayoutWord, write_layout_samples
from ocr_pipeline.fast.config import PUBLISHED_RULES, Augmentation, FastConfig, LearningRules
from ocr_pipeline.fast.data import WORD_OUTCOMES, Pages, TrainingCrops, labelled_areas
from ocr_pipeline.fast.losses import FastLoss
from ocr_pipeline.fast.maps.targets import draw_targets, shrink
from ocr_pipeline_tests.fast.conftest import draw_page, square

OURS = LearningRules()
STILL = Augmentation(
    scale=(1, 1), aspect=(1, 1), rotation=0, flip=0, blur=0, brightness=0, contrast=0, saturation=0, hue=0
)


def page_of(*words: LayoutWord) -> LayoutRecord:
    return LayoutRecord("drawn", "train", "a.png", "", 128, 128, words)


def crop_of(tmp_path: Path, record: LayoutRecord, rules: LearningRules):
    path = tmp_path / f"{rules.low_kernels}_{rules.coordinates}.lmdb"
    write_layout_samples(path, [(draw_page(0)[0], record)], {})
    config = FastConfig(variant="narrow", img_size=128, short_size=128, augmentation=STILL, rules=rules)
    return TrainingCrops(Pages([path]), config, seed=0)[0, 0]


def test_words_beyond_the_two_hundredth():
    words = [LayoutWord(square(i % 20 * 6, i // 20 * 6, 4, 4), "낱말", "ok", i) for i in range(300)]
    assert len(labelled_areas(page_of(*words), OURS)[0]) == 300
    assert len(labelled_areas(page_of(*words), PUBLISHED_RULES)[0]) == 200


def test_a_word_that_begins_with_a_hash():
    words = [LayoutWord(square(0, 0, 9, 9), text, "ok", 0) for text in ("#5", "5#")]
    assert labelled_areas(page_of(*words), OURS)[1] == [False, False]
    assert labelled_areas(page_of(*words), PUBLISHED_RULES)[1] == [True, False]


@pytest.mark.parametrize("high", [2, 4, 6, 8, 10])
def test_the_kernel_of_a_low_word(high):
    word = np.array([(10, 10), (130, 10), (130, 10 + high), (10, 10 + high)], np.int32)
    whole, thin = (draw_targets((60, 150), [word], [False], 9, thin=kind).kernel for kind in (False, True))
    rows = {kind: np.flatnonzero(kernel.any(axis=1)) for kind, kernel in (("whole", whole), ("thin", thin))}
    assert len(rows["whole"]) == high + 1
    assert 1 <= len(rows["thin"]) <= max(2, high + 1 - 8)  # or what erosion leaves, which is the same either way
    assert abs(rows["thin"].mean() - (10 + high / 2)) <= 0.5


def test_a_word_that_shrinks_well_is_the_same_either_way():
    word = np.array([(10, 10), (130, 12), (130, 40), (10, 38)], np.int32)
    np.testing.assert_array_equal(shrink(word, thin=True), shrink(word))


def test_low_words_under_each_other_keep_apart_when_thin():
    lines = [np.array([(10, y), (90, y), (90, y + 6), (10, y + 6)], np.int32) for y in (10, 17)]
    whole, thin = (draw_targets((40, 100), lines, [False, False], 9, thin=kind).kernel for kind in (False, True))
    assert np.diff(np.flatnonzero(whole.any(axis=1))).max() == 1
    assert np.diff(np.flatnonzero(thin.any(axis=1))).max() > 3


def test_corners_between_two_pixels(tmp_path: Path):
    record = page_of(LayoutWord(square(19.8, 29.8, 40, 20), "낱말"))
    rounded = crop_of(tmp_path, record, OURS).text.nonzero()
    truncated = crop_of(tmp_path, record, PUBLISHED_RULES).text.nonzero()
    assert rounded.min(dim=0).values.tolist() == [30, 20]
    assert truncated.min(dim=0).values.tolist() == [29, 19]


def test_a_word_too_small_to_be_seen(tmp_path: Path):
    record = page_of(LayoutWord(square(20, 30, 12, 1), "낱말"), LayoutWord(square(20, 60, 40, 20), "낱말", "ok", 1))
    masked, learnt = (crop_of(tmp_path, record, rules) for rules in (OURS, PUBLISHED_RULES))
    assert dict(zip(WORD_OUTCOMES, masked.words.tolist(), strict=True)) == {
        "learnt": 1,
        "ignored": 0,
        "outside": 0,
        "too_small": 1,
    }
    assert learnt.words.tolist() == [2, 0, 0, 0]
    assert masked.mask[31, 25] == 0 and learnt.mask[31, 25] == learnt.text[31, 25] == 1


def test_an_empty_page_is_a_sample_to_learn_background_from(tmp_path: Path):
    batch = crop_of(tmp_path, page_of(), OURS)
    assert batch.mask.all() and not batch.text.any() and batch.words.tolist() == [0, 0, 0, 0]


def gradient_of(textless: str, masked: bool) -> tuple[float, float]:
    logits = torch.randn(1, 5, 8, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()
    empty = torch.zeros(1, 32, 32, dtype=torch.uint8)
    mask = torch.full_like(empty, 0 if masked else 1)
    loss = FastLoss(textless=textless)(logits, empty, empty, mask, empty.int())  # type: ignore[arg-type]
    loss.total.backward()
    assert logits.grad is not None
    return loss.total.item(), logits.grad.abs().sum().item()


def test_a_page_without_text_teaches_background():
    loss, gradient = gradient_of("bce", masked=False)
    assert loss > 0.1 and gradient > 0.01
    assert gradient_of("dice", masked=False) == (pytest.approx(1.5, abs=1e-3), pytest.approx(0, abs=1e-6))


def test_a_page_of_which_nothing_may_be_learnt_costs_nothing():
    assert gradient_of("bce", masked=True) == (0, 0)


def test_pages_with_text_cost_the_same_either_way():
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(1, 5, 8, 8, generator=generator)
    text = torch.zeros(1, 32, 32, dtype=torch.uint8)
    text[:, 8:20, 6:28] = 1
    kernel = torch.zeros_like(text)
    kernel[:, 12:16, 10:24] = 1
    totals = [
        FastLoss(textless=kind)(logits, text, kernel, torch.ones_like(text), text.int()).total
        for kind in ("bce", "dice")
    ]  # type: ignore[arg-type]
    assert torch.equal(*totals)


def test_the_published_rules_differ_from_ours_in_every_field():
    ours, published = structs.asdict(OURS), structs.asdict(PUBLISHED_RULES)
    assert all(ours[name] != published[name] for name in ours)
