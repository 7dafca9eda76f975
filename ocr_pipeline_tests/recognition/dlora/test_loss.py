import copy

import torch
from torch.nn import functional as F

from ocr_pipeline.recognition.dlora.data import IGNORED
from ocr_pipeline.recognition.dlora.loss import decoder_inputs, token_loss

START, PAD = 2, 0


def test_inputs_are_the_labels_one_later():
    labels = torch.tensor([[7, 8, 3, IGNORED, IGNORED]])
    assert decoder_inputs(labels, START, PAD).tolist() == [[START, 7, 8, 3, PAD]]


def test_each_logit_is_scored_against_its_own_label_and_padding_against_none():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 5, generator=generator)
    labels = torch.tensor([[1, 4, 2], [3, IGNORED, IGNORED]])
    probabilities = logits.softmax(-1)
    expected = -sum(probabilities[b, t, labels[b, t]].log() for b, t in [(0, 0), (0, 1), (0, 2), (1, 0)])
    torch.testing.assert_close(token_loss(logits, labels), expected)


def test_a_model_that_says_each_label_has_no_loss():
    labels = torch.tensor([[4, 1, 3]])
    certain = F.one_hot(labels, 5).float() * 100
    assert token_loss(certain, labels) < 1e-6
    assert token_loss(certain.roll(1, dims=1), labels) > 100


def test_padding_changes_nothing(random_model):
    model = copy.deepcopy(random_model).eval()
    pixels = torch.randn(1, 3, 32, 128, generator=torch.Generator().manual_seed(0))
    short = torch.tensor([[9, 10, 3]])
    padded = F.pad(short, (0, 4), value=IGNORED)
    losses = [
        token_loss(model(pixel_values=pixels, decoder_input_ids=decoder_inputs(labels, START, PAD)).logits, labels)
        for labels in (short, padded)
    ]
    torch.testing.assert_close(*losses)
