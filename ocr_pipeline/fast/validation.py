"""A network's score on held-out pages, in evaluation mode: nothing of it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader

from ocr_pipeline.evaluation import DetectionScore, score_detections
from ocr_pipeline.fast.config import FastConfig
from ocr_pipeline.fast.data import Pages, PreparedPage, ValidationPages
from ocr_pipeline.fast.detector import detect_fitted
from ocr_pipeline.fast.maps.pictures import Picture
from ocr_pipeline.fast.maps.views import draw_findings
from ocr_pipeline.fast.network import FastNetwork
from ocr_pipeline.fast.settings import FastTraining
from ocr_pipeline.training.loader_workers import LoaderWorkers
from ocr_pipeline.training.processes import Processes


def validation_loader(
    pages: Pages, config: FastConfig, settings: FastTraining, processes: Processes, workers: LoaderWorkers
) -> DataLoader[PreparedPage]:
    """This process's share of the pages, one by one, prepared by worker processes."""
    return DataLoader(
        ValidationPages(pages, config.short_size, settings.val_max_samples, processes.rank, processes.count),
        batch_size=None,
        num_workers=settings.val_num_workers,
        prefetch_factor=settings.val_prefetch_factor if settings.val_num_workers else None,
        pin_memory=settings.pin_memory_val and processes.device.type == "cuda",
        worker_init_fn=partial(start_worker, workers),
        collate_fn=_unchanged,
        generator=torch.Generator(),  # the global one belongs to the training, whose resume is exact
    )


def validate(
    network: FastNetwork, loader: DataLoader[PreparedPage], config: FastConfig, processes: Processes, shown: int = 0
) -> tuple[DetectionScore, list[Picture]]:
    """hmean of the boxes found on the pages of all processes, and ``shown`` of the own pages with them drawn.

    The network's mode is as before afterwards.
    """
    training = network.training
    network.eval()
    found, truths, drawn = [], [], list[Picture]()
    picked = {place * len(loader) // shown for place in range(shown)}  # from all data sets, not the first one only
    for number, page in enumerate(loader):
        boxes = detect_fitted(network, page.picture, page.original_size, config)
        found.append([box.polygon for box in boxes])
        truths.append(page.truths)
        if number in picked:
            drawn.append(_drawn(page, found[-1]))
    network.train(training)
    everything = processes.gather((found, truths))
    return score_detections(
        *([page for part in side for page in part] for side in zip(*everything, strict=True))
    ), drawn


def without_progress(history: Sequence[Mapping[str, Any]], best_step: float) -> int:
    """Validations since the best one."""
    return sum("hmean" in row and row["step"] > best_step for row in history)


def start_worker(workers: LoaderWorkers, number: int) -> None:
    """What a loader's worker does first."""
    cv2.setNumThreads(0)  # many workers, each with its own pool, would fight for the cores
    workers.start(number)


def _drawn(page: PreparedPage, found: Sequence[npt.NDArray]) -> Picture:
    picture = page.picture.numpy()
    (high, wide), (height, width) = picture.shape[:2], page.original_size
    scale = np.array([wide / width, high / height])
    words, ignored = (
        [np.asarray(truth.polygon) * scale for truth in page.truths if truth.ignore == kind] for kind in (False, True)
    )
    return draw_findings(picture, [polygon * scale for polygon in found], words, ignored)


def _unchanged(page: Any) -> Any:
    return page
