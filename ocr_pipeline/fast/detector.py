"""A trained network as a detector: pixels in, boxes out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.config import FastConfig, config_from
from ocr_pipeline.fast.maps.pictures import Picture, fit_page
from ocr_pipeline.fast.maps.postprocess import BoxRules, Detection, Map, find_boxes
from ocr_pipeline.fast.network import FastNetwork, in_channels_last, normalise
from ocr_pipeline.fast.settings import Device, Precision
from ocr_pipeline.fast.weights.reading import Weights, load_network

logger = logging.getLogger(__name__)

_DTYPES: dict[Precision, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Detector:
    """A trained detector, fused and ready.

    Args:
        precision: ``bfloat16`` is several times as fast where AMX or a GPU computes it; it may move a box by a pixel.

    Raises:
        PipelineError: the checkpoint or the device cannot be used.
    """

    def __init__(
        self,
        checkpoint: Path,
        config: FastConfig | None = None,
        device: Device = "auto",
        precision: Precision = "float32",
    ) -> None:
        self.device = choose_device(device)
        network, weights = load_network(checkpoint)
        self.config = config or config_of(weights)
        network = network.fuse(kernel_only=True).to(self.device, dtype=_DTYPES[precision])
        self.network = in_channels_last(network)

    def detect(self, picture: Picture) -> list[Detection]:
        """Boxes of one RGB picture (H, W, 3), in its pixels."""
        return self.detect_batch([picture])[0]

    def detect_batch(self, pictures: Sequence[Picture]) -> list[list[Detection]]:
        """Boxes of each picture; those that are equal in size at the network's input go through it together."""
        fitted = [fit_page(picture, self.config.short_size) for picture in pictures]
        found: list[list[Detection]] = [[] for _ in pictures]
        for shape in dict.fromkeys(picture.shape for picture in fitted):
            alike = [number for number, picture in enumerate(fitted) if picture.shape == shape]
            for number, logits in zip(alike, self.logits([fitted[number] for number in alike]), strict=True):
                size = pictures[number].shape[0], pictures[number].shape[1]
                found[number] = find_boxes(logits, size, rules_of(self.config))
        return found

    def logits(self, fitted: Sequence[Picture]) -> Map:
        """Kernel logits (N, H/4, W/4) of N pictures of one size, whose sides are multiples of 32."""
        return kernel_logits(self.network, torch.from_numpy(np.stack(fitted)))


def detect_fitted(
    network: FastNetwork, fitted: Tensor, original_size: tuple[int, int], config: FastConfig
) -> list[Detection]:
    """Boxes, in pixels of the original (height, width), of a picture (H, W, 3) whose sides are multiples of 32."""
    return find_boxes(kernel_logits(network, fitted[None])[0], original_size, rules_of(config))


@torch.inference_mode()
def kernel_logits(network: FastNetwork, pictures: Tensor) -> Map:
    """Kernel logits (N, H/4, W/4) of RGB pictures (N, H, W, 3) uint8."""
    weight = next(network.parameters())
    pixels = pictures.to(weight.device, non_blocking=True).permute(0, 3, 1, 2)  # stays channels-last in memory
    return network(normalise(pixels).to(weight.dtype))[:, 0].float().cpu().numpy()


def rules_of(config: FastConfig) -> BoxRules:
    return BoxRules(config.pooling_size, config.min_score, config.min_area, config.bbox_type, config.kernel_logit)


def choose_device(name: Device) -> torch.device:
    """The device of that name; ``auto`` is CUDA where there is one.

    Raises:
        PipelineError: CUDA is asked for, but not there.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise PipelineError(
            "there is no CUDA device here", where="--device cuda", remedy="Use --device cpu, or a machine with a GPU."
        )
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def config_of(weights: Weights) -> FastConfig:
    """The configuration that a checkpoint carries, else the defaults of its variant."""
    fields = weights.extras.get("config")
    if isinstance(fields, dict):
        return config_from(fields, weights.path)
    logger.info("%s carries no configuration; the defaults of FAST %s are used", weights.path, weights.variant)
    return FastConfig(variant=weights.variant)
