"""Training losses of FAST: Dice on text and kernels, online hard examples, instance embedding (arXiv 2111.02394, 3.4).

Sums run in float32 whatever the precision of the network, so that mixed precision cannot overflow them.
"""

from __future__ import annotations

import dataclasses
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

_SMOOTH = 0.001
_NEGATIVES_PER_POSITIVE = 3
_PULL_RADIUS = 0.5  # delta_v: no pull within this distance of the word's mean embedding
_PUSH_DISTANCE = 3.0  # 2 * delta_d: no push beyond
_REGULARISER = 0.001
_BACKGROUND_PIXELS = 100


class Losses(NamedTuple):
    """Weighted means over the batch; ``total`` is their sum."""

    total: Tensor
    text: Tensor
    kernel: Tensor
    embedding: Tensor


@dataclasses.dataclass(frozen=True)
class FastLoss:
    """The loss of a batch.

    Attributes:
        pooling_size: of the max-pooling that grows kernels to text; the same as in the targets.
        text, kernel, embedding: weights.
        embedding_version: 1, or 2 which also pushes background pixels away from the words.
        textless: ``dice`` gives samples without text a constant, as published; ``bce`` lets them teach background.
    """

    pooling_size: int = 9
    text: float = 0.5
    kernel: float = 1.0
    embedding: float = 0.25
    embedding_version: int = 1
    textless: Literal["bce", "dice"] = "dice"

    def __call__(self, logits: Tensor, text: Tensor, kernel: Tensor, mask: Tensor, instance: Tensor) -> Losses:
        """``logits`` (N, 5, h, w) of the network, maps (N, H, W) of the targets; logits are scaled up to H x W."""
        logits = functional.interpolate(logits.float(), size=text.shape[1:], mode="bilinear", align_corners=False)
        kernels = logits[:, 0]
        texts = functional.max_pool2d(kernels, self.pooling_size, 1, (self.pooling_size - 1) // 2)
        text_losses = dice(texts, text, hard_examples(texts, text, mask))
        kernel_losses = dice(kernels, kernel, text * mask)
        if self.textless == "bce":
            has_text = ((text > 0) & (mask > 0)).flatten(1).any(1)
            text_losses = torch.where(has_text, text_losses, background_entropy(texts, mask))
            kernel_losses = torch.where(has_text, kernel_losses, 0.0)  # kernels are judged inside text only
        text_loss, kernel_loss = text_losses.mean(), kernel_losses.mean()
        pixels = zip(logits[:, 1:], instance * (mask > 0), kernel, strict=True)
        embedding_loss = torch.stack([embedding(*sample, version=self.embedding_version) for sample in pixels]).mean()
        parts = self.text * text_loss, self.kernel * kernel_loss, self.embedding * embedding_loss
        return Losses(parts[0] + parts[1] + parts[2], *parts)


def dice(logits: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """1 - Dice coefficient with squared sums, per sample: (N, H, W) each -> (N,)."""
    mask = mask.flatten(1).float()
    predicted = torch.sigmoid(logits.flatten(1)) * mask
    wanted = target.flatten(1).float() * mask
    overlap = (predicted * wanted).sum(1)
    sizes = (predicted * predicted).sum(1) + _SMOOTH + (wanted * wanted).sum(1) + _SMOOTH
    return 1 - 2 * overlap / sizes


def background_entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """Mean cross entropy of pixels that are all background, per sample, 0 without pixels: (N, H, W) each -> (N,)."""
    allowed = (mask > 0).flatten(1)
    return (functional.softplus(logits).flatten(1) * allowed).sum(1) / allowed.sum(1).clamp(min=1)


@torch.no_grad()
def hard_examples(logits: Tensor, text: Tensor, mask: Tensor) -> Tensor:
    """The pixels to learn from: all text and, three to one, the background that looks most like text.

    As in the reference, masked-out pixels stand among the negatives when the threshold is chosen. A sample without
    text, or without background, keeps its whole mask.
    """
    selected = []
    for scores, words, allowed in zip(logits, text > 0, mask > 0, strict=True):
        positives = int((words & allowed).sum())
        background = scores[~words]
        negatives = min(positives * _NEGATIVES_PER_POSITIVE, background.numel())
        if negatives == 0:
            selected.append(allowed)
            continue
        threshold = background.topk(negatives, sorted=False).values.min()
        selected.append(((scores >= threshold) | words) & allowed)
    return torch.stack(selected)


def embedding(
    vectors: Tensor, instance: Tensor, kernel: Tensor, version: int = 1, background: Tensor | None = None
) -> Tensor:
    """Pull the pixels of a word together, push words apart (arXiv 1908.05900, section 3.4), for one sample.

    Args:
        vectors: (4, H, W) embedding of each pixel.
        instance: (H, W) word number, 0 where there is none or nothing is to be learnt.
        kernel: (H, W) text kernels; they alone make a word's mean embedding.
        version: 2 adds the push of background pixels, when there are two words or more.
        background: which background pixels those are, counted in reading order; drawn at random if None.
    """
    points, owner = vectors.flatten(1).T, instance.flatten().long()
    numbers, member = torch.unique(owner * (kernel.flatten() > 0), return_inverse=True)
    words = numbers[numbers > 0]
    if not len(words):
        return vectors.sum() * 0
    means = _mean_by(points, member - (len(numbers) - len(words)), len(words))
    place = torch.searchsorted(words, owner).clamp(max=len(words) - 1)
    inside = words[place] == owner
    distance = _length(points[inside] - means[place[inside]])
    pull = _mean_by(
        torch.log1p(functional.relu(distance - _PULL_RADIUS) ** 2)[:, None], place[inside], len(words)
    ).mean()
    regulariser = _REGULARISER * torch.log1p(_length(means)).sum() / (len(words) + 1)  # the reference counts background
    return pull + _push(means, points[owner == 0], version, background) + regulariser


def _push(means: Tensor, background_points: Tensor, version: int, chosen: Tensor | None) -> Tensor:
    if len(means) < 2:
        return means.sum() * 0
    apart = ~torch.eye(len(means), dtype=torch.bool, device=means.device)
    gaps = _length((means[None] - means[:, None])[apart])
    terms = torch.log1p(functional.relu(_PUSH_DISTANCE - gaps) ** 2)
    if version == 2 and len(background_points):
        if chosen is None:
            chosen = torch.randperm(len(background_points))[:_BACKGROUND_PIXELS]
        gaps = _length(background_points[chosen.to(means.device)][None] - means[:, None])
        terms = torch.cat([terms, torch.log1p(functional.relu(_PUSH_DISTANCE - gaps) ** 2).mean(1)])
    return terms.mean()


def _mean_by(rows: Tensor, group: Tensor, count: int) -> Tensor:
    """Mean of ``rows`` (n, d) per group -> (count, d); rows of negative groups do not count."""
    kept = group >= 0
    sums = rows.new_zeros(count, rows.shape[1]).index_add(0, group[kept], rows[kept])
    return sums / torch.bincount(group[kept], minlength=count)[:, None]


def _length(rows: Tensor) -> Tensor:
    return torch.linalg.vector_norm(rows, dim=-1)
