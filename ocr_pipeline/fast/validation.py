"""A network's score on labelled pages, in evaluation mode: nothing of it changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch.utils.data import DataLoader

from ocr_pipeline.evaluation import DetectionScore, score_detections
from ocr_pipeline.fast.config import FastConfig
from ocr_pipeline.fast.data import Pages, PreparedPage
from ocr_pipeline.fast.detector import config_of, detect_fitted
from ocr_pipeline.fast.loading import Loading, load_pages
from ocr_pipeline.fast.maps.pictures import Picture
from ocr_pipeline.fast.maps.views import draw_findings
from ocr_pipeline.fast.network import FastNetwork
from ocr_pipeline.fast.weights.reading import load_network
from ocr_pipeline.training.device import chosen_device
from ocr_pipeline.training.loader_workers import LoaderWorkers
from ocr_pipeline.training.processes import Processes


def score_checkpoint(
    checkpoint: Path, lmdbs: Sequence[Path], *, max_samples: int | None = None, device: str = "auto"
) -> DetectionScore:
    """Precision, recall and hmean of a detector on the pages of some layout LMDBs, as a training scores its own.

    Args:
        max_samples: pages to look at, spread evenly as in a training; all if None.

    Raises:
        PipelineError: the checkpoint, the data or the device cannot be used.
    """
    network, weights = load_network(checkpoint)
    config = config_of(weights)
    alone = Processes(chosen_device(device))
    loader = load_pages(Pages(lmdbs), config.short_size, max_samples, Loading(), alone, LoaderWorkers())
    return validate(network.to(alone.device), loader, config, alone)[0]


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


def _drawn(page: PreparedPage, found: Sequence[npt.NDArray]) -> Picture:
    picture = page.picture.numpy()
    (high, wide), (height, width) = picture.shape[:2], page.original_size
    scale = np.array([wide / width, high / height])
    words, ignored = (
        [np.asarray(truth.polygon) * scale for truth in page.truths if truth.ignore == kind] for kind in (False, True)
    )
    return draw_findings(picture, [polygon * scale for polygon in found], words, ignored)
