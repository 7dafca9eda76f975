"""Loaders of training crops and of validation pages; they leave the random state of a training alone."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, TypeVar

import cv2
import torch
from torch.utils.data import DataLoader

from ocr_pipeline.fast.data import Batch, OwnBatches, Pages, PreparedPage, SampleOrder, TrainingCrops, ValidationPages
from ocr_pipeline.training.loader_workers import LoaderWorkers
from ocr_pipeline.training.processes import Processes

_T = TypeVar("_T")


class Loading(NamedTuple):
    """How many worker processes load, how many items each of them ahead, and whether into page-locked memory (CUDA)."""

    workers: int = 0
    ahead: int | None = None
    pinned: bool = False


def load_batches(
    crops: TrainingCrops,
    order: SampleOrder,
    batch_size: int,
    loading: Loading,
    processes: Processes,
    workers: LoaderWorkers,
) -> DataLoader[Batch]:
    """This process's batches of an order of training crops."""
    return DataLoader(
        crops,
        batch_sampler=OwnBatches(order, batch_size, processes.rank, processes.count),
        num_workers=loading.workers,
        prefetch_factor=loading.ahead if loading.workers else None,
        pin_memory=loading.pinned and processes.device.type == "cuda",
        worker_init_fn=partial(start_worker, workers),
        generator=torch.Generator(),
    )


def load_pages(
    pages: Pages, short_size: int, most: int | None, loading: Loading, processes: Processes, workers: LoaderWorkers
) -> DataLoader[PreparedPage]:
    """This process's share of ``most`` pages for a validation, one by one."""
    return DataLoader(
        ValidationPages(pages, short_size, most, processes.rank, processes.count),
        batch_size=None,
        num_workers=loading.workers,
        prefetch_factor=loading.ahead if loading.workers else None,
        pin_memory=loading.pinned and processes.device.type == "cuda",
        worker_init_fn=partial(start_worker, workers),
        collate_fn=_unchanged,
        generator=torch.Generator(),
    )


def start_worker(workers: LoaderWorkers, number: int) -> None:
    """What a loader's worker does first."""
    cv2.setNumThreads(0)  # many workers, each with its own pool, would fight for the cores
    workers.start(number)


def _unchanged(page: _T) -> _T:
    return page
