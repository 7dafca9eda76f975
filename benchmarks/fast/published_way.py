"""The peers: targets, boxes and prediction as the published method does them, over whole pictures.

Written from the description of the method (arXiv 2111.02394) for comparison only; results must be those of ours.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from ocr_pipeline.fast.maps.postprocess import BoxRules, Detection
from ocr_pipeline.fast.maps.targets import Polygon, shrink


def kernels_of_whole_pictures(size: tuple[int, int], polygons: Sequence[Polygon], pooling_size: int) -> npt.NDArray:
    """The kernel map by one full mask per word, all of them floats at once, each min-pooled."""
    masks = np.zeros((len(polygons), *size), np.uint8)
    shrunk = np.zeros(size, np.uint8)
    for mask, polygon in zip(masks, polygons, strict=True):
        cv2.drawContours(mask, [polygon], -1, 1, -1)
        cv2.drawContours(shrunk, [shrink(polygon)], -1, 1, -1)
    stack = torch.from_numpy(masks).float()
    eroded, padding = torch.zeros_like(stack), (pooling_size - 1) // 2
    for mask, target in zip(stack, eroded, strict=True):
        rows, columns = torch.nonzero(mask, as_tuple=True)
        box = slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1)
        padded = functional.pad(mask[box][None], [padding] * 4)
        target[box] = -functional.max_pool2d(-padded, pooling_size, 1)[0]
    overlap = functional.max_pool2d((stack.sum(0) > 1).float()[None], 3, 1, 1)[0]
    kernel = eroded.sum(0) * (overlap == 0)
    return np.maximum((kernel > 0).numpy().astype(np.uint8), shrunk)


def boxes_of_whole_pictures(logits: npt.NDArray, original_size: tuple[int, int], rules: BoxRules) -> list[Detection]:
    """Rotated rectangles by one comparison of the whole label map per word."""
    height, width = logits.shape[0] * 4, logits.shape[1] * 4
    _, labels = cv2.connectedComponents((logits > 0).astype(np.uint8), connectivity=8)
    grown = _grown(torch.from_numpy(labels.astype(np.float32)), rules.pooling_size)
    label_map = _nearest(grown, (height, width)).numpy()
    scores = torch.sigmoid(_grown(torch.from_numpy(logits), rules.pooling_size))
    score_map = _nearest(scores, (height, width)).numpy()
    scale = np.array([original_size[1] / width, original_size[0] / height])
    found = []
    for label in np.unique(label_map)[1:]:
        member = label_map == label
        points = np.array(np.where(member)).transpose((1, 0))[:, ::-1]
        score = float(np.mean(score_map[member]))
        if len(points) < rules.min_area or score < rules.min_score:
            continue
        centre, (wide, high), angle = cv2.minAreaRect(points.astype(np.int32))
        factor = (len(points) / (wide * high)) ** 0.25
        corners = cv2.boxPoints((centre, (wide * factor, high * factor), angle)) * scale
        found.append(Detection(corners.astype(np.int32), score))
    return found


def _grown(values: torch.Tensor, pooling_size: int) -> torch.Tensor:
    twice = functional.interpolate(values[None, None], scale_factor=2, mode="nearest")
    return functional.max_pool2d(twice, pooling_size // 2 + 1, 1, pooling_size // 2 // 2)


def _nearest(values: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return functional.interpolate(values, size=size, mode="nearest")[0, 0]
