"""Training as the published method describes it, in plain PyTorch, a peer (arXiv 2111.02394, 3.3 and 3.4).

Targets by one mask per word over the whole picture, losses by loops over samples and words, Adam or SGD.
Nothing here uses the trainer, its targets, its losses or its augmentation; only the network is the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pyclipper
import torch
from torch import Tensor, nn
from torch.nn import functional

POOLING = 9
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def train(network: nn.Module, batches: Sequence[Sequence[tuple]], kind: str, rate: float) -> list[float]:
    """A step for each batch of (RGB picture, words (n, 4, 2), whether each is ignored); returns the losses."""
    if kind == "SGD":
        optimizer: torch.optim.Optimizer = torch.optim.SGD(network.parameters(), rate, momentum=0.99, weight_decay=5e-4)
    else:
        optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    network.train()
    losses = []
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - step / len(batches)) ** 0.9
        pictures = torch.stack([prepared(picture) for picture, _, _ in batch])
        targets = [targets_of(picture.shape[:2], words, ignored) for picture, words, ignored in batch]
        loss = loss_of(network(pictures), *(torch.stack(maps) for maps in zip(*targets, strict=True)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def prepared(picture: np.ndarray) -> Tensor:
    pixels = torch.from_numpy(picture).permute(2, 0, 1).float() / 255
    return (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[:, None, None]


def targets_of(size: tuple[int, int], words: Sequence[np.ndarray], ignored: Sequence[bool]) -> tuple[Tensor, ...]:
    """Text, kernel, mask and instance (H, W)."""
    mask, instance, shrunk = np.ones(size, np.uint8), np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    eroded, covered = torch.zeros(size), torch.zeros(size)
    for number, (word, ignore) in enumerate(zip(words, ignored, strict=True), start=1):
        corners = word.astype(np.int32)
        if ignore:
            cv2.drawContours(mask, [corners], -1, 0, -1)
            continue
        cv2.drawContours(instance, [corners], -1, number, -1)
        cv2.drawContours(shrunk, [shrink(corners)], -1, 1, -1)
        alone = torch.from_numpy(cv2.drawContours(np.zeros(size, np.uint8), [corners], -1, 1, -1)).float()
        padded = functional.pad(alone[None], [POOLING // 2] * 4)
        eroded += -functional.max_pool2d(-padded, POOLING, 1)[0]
        covered += alone
    overlap = functional.max_pool2d((covered > 1).float()[None], 3, 1, 1)[0]
    kernel = torch.maximum(eroded * (overlap == 0), torch.from_numpy(shrunk).float())
    instances = torch.from_numpy(instance.astype(np.int64))
    return (instances > 0).float(), kernel, torch.from_numpy(mask).float(), instances


def shrink(corners: np.ndarray) -> np.ndarray:
    area, around = cv2.contourArea(corners), cv2.arcLength(corners, True)
    clipper = pyclipper.PyclipperOffset()
    clipper.AddPath(corners.tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    inner = clipper.Execute(-min(int(area * (1 - 0.1**2) / (around + 0.001) + 0.5), 20))
    return np.array(inner[0], np.int32) if inner and len(inner[0]) > 2 else corners


def loss_of(output: Tensor, text: Tensor, kernel: Tensor, mask: Tensor, instance: Tensor) -> Tensor:
    full = functional.interpolate(output, size=text.shape[1:], mode="bilinear", align_corners=False)
    total = torch.zeros(())
    for sample in range(len(full)):
        kernels = full[sample, 0]
        texts = functional.max_pool2d(kernels[None], POOLING, 1, POOLING // 2)[0]
        allowed = mask[sample] * 1
        total = total + 0.5 * dice(texts, text[sample], chosen(texts.detach(), text[sample], allowed))
        total = total + 1.0 * dice(kernels, kernel[sample], text[sample] * allowed)
        total = total + 0.25 * embedding(full[sample, 1:], instance[sample] * allowed.long(), kernel[sample])
    return total / len(full)


def dice(logits: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    predicted, wanted = torch.sigmoid(logits) * mask, target * mask
    shared = (predicted * wanted).sum()
    return 1 - 2 * shared / ((predicted**2).sum() + 0.001 + (wanted**2).sum() + 0.001)


def chosen(scores: Tensor, text: Tensor, mask: Tensor) -> Tensor:
    """All text, and three times as many pixels of the background that looks most like it."""
    positives = int(((text > 0.5) & (mask > 0.5)).sum())
    background = scores[text <= 0.5].sort(descending=True).values
    negatives = min(3 * positives, len(background))
    if negatives == 0:
        return mask
    return (((scores >= background[negatives - 1]) | (text > 0.5)) & (mask > 0.5)).float()


def embedding(vectors: Tensor, instance: Tensor, kernel: Tensor) -> Tensor:
    numbers = [number for number in instance.unique().tolist() if number]
    means, pulls = [], []
    for number in numbers:
        means.append(vectors[:, (instance == number) & (kernel > 0.5)].mean(1))
        away = (vectors[:, instance == number] - means[-1][:, None]).norm(dim=0)
        pulls.append(torch.log(torch.relu(away - 0.5) ** 2 + 1).mean())
    pushes = [
        torch.log(torch.relu(3 - (one - other).norm()) ** 2 + 1)
        for place, one in enumerate(means)
        for other in means[:place] + means[place + 1 :]
    ]
    lengths = [torch.log(mean.norm() + 1) for mean in means]
    return (
        torch.stack(pulls).mean()
        + (torch.stack(pushes).mean() if pushes else 0)
        + 0.001 * torch.stack(lengths).sum() / (len(means) + 1)  # the background's mean, which is 0, counts too
    )
