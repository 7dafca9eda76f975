"""The score of a published detector on layout LMDBs, as a training scores its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch.utils.data import DataLoader

from ocr_pipeline.evaluation import DetectionScore
from ocr_pipeline.fast.data import Pages, ValidationPages
from ocr_pipeline.fast.detector import choose_device, config_of
from ocr_pipeline.fast.settings import Device
from ocr_pipeline.fast.validation import validate
from ocr_pipeline.fast.weights.reading import load_network
from ocr_pipeline.training.processes import Processes


def score_checkpoint(
    checkpoint: Path, lmdbs: Sequence[Path], *, max_samples: int | None = None, device: Device = "auto"
) -> DetectionScore:
    """Precision, recall and hmean of a detector on the pages of some layout LMDBs.

    Args:
        max_samples: pages to look at, spread evenly as in a training; all if None.

    Raises:
        PipelineError: the checkpoint, the data or the device cannot be used.
    """
    network, weights = load_network(checkpoint)
    config = config_of(weights)
    pages = ValidationPages(Pages(lmdbs), config.short_size, max_samples)
    loader = DataLoader(pages, batch_size=None, collate_fn=lambda page: page)
    alone = Processes(choose_device(device))
    score, _ = validate(network.to(alone.device), loader, config, alone)
    return score
