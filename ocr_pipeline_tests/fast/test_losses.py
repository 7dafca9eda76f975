from __future__ import annotations

import numpy as np
import pytest
import torch

from ocr_pipeline.fast.losses import FastLoss, dice, embedding, hard_examples
from ocr_pipeline_tests.fast.conftest import load_arrays

ROUNDING = 2e-6


@pytest.fixture(scope="module")
def reference() -> dict[str, torch.Tensor]:
    """Two samples: a page with many words, a page with one. The embedding is kept where the loss looks at it."""
    return {name: torch.from_numpy(values) for name, values in load_arrays("losses.npz").items()}


def maps(reference, *numbers):
    return [reference[name][list(numbers)] for name in ("logits", "text", "kernel", "mask", "instance")]


def pooled(logits):
    return torch.nn.functional.max_pool2d(logits[:, 0], 9, 1, 4)


def test_the_hard_examples_are_those_of_the_reference(reference):
    logits, text, _, mask, _ = maps(reference, 0, 1)
    assert torch.equal(hard_examples(pooled(logits), text, mask), reference["hard_examples"] > 0)


def test_dice_is_that_of_the_reference(reference):
    logits, text, kernel, mask, _ = maps(reference, 0, 1)
    chosen = hard_examples(pooled(logits), text, mask)
    torch.testing.assert_close(dice(pooled(logits), text, chosen), reference["dice_text"], atol=ROUNDING, rtol=0)
    torch.testing.assert_close(dice(logits[:, 0], kernel, text * mask), reference["dice_kernel"], atol=ROUNDING, rtol=0)


@pytest.mark.parametrize("version", [1, 2])
def test_the_embedding_loss_is_that_of_the_reference(reference, version):
    random = np.random.RandomState(0)  # as the reference drew its background pixels
    for number in (0, 1):
        logits, _, kernel, mask, instance = (values[0] for values in maps(reference, number))
        learnt = instance * (mask > 0)
        background = torch.from_numpy(random.permutation(int((learnt == 0).sum()))[:100])
        value = embedding(logits[1:], learnt, kernel, version, background)
        assert float(value) == pytest.approx(float(reference[f"embedding_v{version}"][number]), abs=ROUNDING)


def test_the_total_and_its_gradient_are_those_of_the_reference(reference):
    for number in (0, 1):
        logits, *targets = maps(reference, number)
        logits.requires_grad_(True)
        losses = FastLoss()(logits, *targets)
        expected = (
            0.5 * reference["dice_text"][number]
            + reference["dice_kernel"][number]
            + 0.25 * reference["embedding_v1"][number]
        )
        assert losses.total.item() == pytest.approx(float(expected), abs=ROUNDING)
        losses.total.backward()
        norms = logits.grad[:, 0].norm(), logits.grad[:, 1:].norm()
        wanted = reference["gradient_kernel"][number], reference["gradient_embedding"][number]
        assert [float(norm) for norm in norms] == pytest.approx([float(norm) for norm in wanted], rel=1e-4)


@pytest.mark.parametrize("emptied", ["text", "mask"])
def test_a_page_with_nothing_to_learn_has_the_constant_loss_of_the_reference_and_no_gradient(reference, emptied):
    logits, text, kernel, mask, instance = maps(reference, 0)
    logits.requires_grad_(True)
    if emptied == "text":
        text, kernel, instance = torch.zeros_like(text), torch.zeros_like(kernel), torch.zeros_like(instance)
    else:
        mask = torch.zeros_like(mask)
    losses = FastLoss()(logits, text, kernel, mask, instance)
    assert [part.item() for part in losses] == [1.5, 0.5, 1.0, 0.0]
    losses.total.backward()
    assert logits.grad.abs().max() == 0


def test_small_logits_are_scaled_up_to_the_maps(reference):
    logits, *targets = maps(reference, 0)
    small = torch.nn.functional.avg_pool2d(logits, 4)
    whole = torch.nn.functional.interpolate(small, size=(256, 256), mode="bilinear", align_corners=False)
    assert torch.equal(FastLoss()(small, *targets).total, FastLoss()(whole, *targets).total)


def test_half_precision_logits_do_not_overflow(reference):
    logits, *targets = maps(reference, 0, 1)
    losses = FastLoss()(logits.half(), *targets)
    assert losses.total.item() == pytest.approx(FastLoss()(logits, *targets).total.item(), abs=1e-2)
