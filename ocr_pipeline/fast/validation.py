"""A network's score on held-out pages, in evaluation mode: nothing of it changes."""

from __future__ import annotations

from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader

from ocr_pipeline.evaluation import DetectionScore, score_detections
from ocr_pipeline.fast.config import FastConfig
from ocr_pipeline.fast.data import Pages, PreparedPage, ValidationPages
from ocr_pipeline.fast.detector import detect_fitted
from ocr_pipeline.fast.network import FastNetwork
from ocr_pipeline.fast.settings import FastTraining


def validation_loader(pages: Pages, config: FastConfig, settings: FastTraining) -> DataLoader[PreparedPage]:
    """Pages one by one, prepared by worker processes."""
    return DataLoader(
        ValidationPages(pages, config.short_size, settings.val_max_samples),
        batch_size=None,
        num_workers=settings.val_num_workers,
        prefetch_factor=settings.val_prefetch_factor if settings.val_num_workers else None,
        worker_init_fn=single_threaded,
        collate_fn=_unchanged,
        generator=torch.Generator(),  # the global one belongs to the training, whose resume is exact
    )


def validate(network: FastNetwork, loader: DataLoader[PreparedPage], config: FastConfig) -> DetectionScore:
    """hmean of the boxes that the network finds; its mode is as before afterwards."""
    training = network.training
    network.eval()
    found, truths = [], []
    for page in loader:
        boxes = detect_fitted(network, page.picture, page.original_size, config)
        found.append([box.polygon for box in boxes])
        truths.append(page.truths)
    network.train(training)
    return score_detections(found, truths)


def single_threaded(_: int) -> None:
    cv2.setNumThreads(0)  # many workers, each with its own pool, would fight for the cores


def _unchanged(page: Any) -> Any:
    return page
