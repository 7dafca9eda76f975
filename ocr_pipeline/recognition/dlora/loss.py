"""The loss of teacher forcing, computed here because that of VisionEncoderDecoderModel depends on its version."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ocr_pipeline.recognition.dlora.data import IGNORED


def token_loss(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Sum of the cross entropy over all labels that are not padding; logits [B, T, V] stand at their own labels [B, T].

    Label smoothing is that of Szegedy et al. 2016 (arXiv 1512.00567, 7). Transformers 4.50 to 4.57 shifted the labels
    twice for this class of models.
    """
    return F.cross_entropy(
        logits.flatten(0, 1).float(),
        labels.flatten(),
        ignore_index=IGNORED,
        reduction="sum",
        label_smoothing=smoothing,
    )


def decoder_inputs(labels: Tensor, start: int, pad: int) -> Tensor:
    """What the decoder sees when it has to say ``labels`` [B, T]: the start token, then each label but the last."""
    shifted = torch.cat([torch.full_like(labels[:, :1], start), labels[:, :-1]], dim=1)
    return shifted.masked_fill(shifted == IGNORED, pad)
