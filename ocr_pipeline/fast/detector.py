"""A trained network as a detector: pixels in, boxes out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ocr_pipeline.fast.config import FastConfig, config_from
from ocr_pipeline.fast.maps.pictures import Picture, fit_page
from ocr_pipeline.fast.maps.postprocess import BoxRules, Detection, Map, find_boxes
from ocr_pipeline.fast.network import FastNetwork, in_channels_last, normalise
from ocr_pipeline.fast.settings import Precision
from ocr_pipeline.fast.weights.reading import Weights, load_network
from ocr_pipeline.models import FAST_KOREAN
from ocr_pipeline.settings import described
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of
from ocr_pipeline.storage.files.given_pictures import GivenPicture, rgb_pixels
from ocr_pipeline.training.device import chosen_device

logger = logging.getLogger(__name__)

_DTYPES: dict[Precision, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Detector:
    """A trained detector, fused and ready.

    Args:
        checkpoint: in any layout of FAST; by default the one that comes with this package.
        device: auto, cpu, gpu (= cuda) or cuda:1.
        precision: ``bfloat16`` is several times as fast where AMX or a GPU computes it; it may move a box by a pixel.

    Raises:
        PipelineError: the checkpoint or the device cannot be used.
    """

    def __init__(
        self,
        checkpoint: str | Path = FAST_KOREAN,
        config: FastConfig | None = None,
        device: str = "auto",
        precision: Precision = "float32",
    ) -> None:
        self.device = chosen_device(device)
        network, weights = load_network(Path(checkpoint))
        self.config = config or config_of(weights)
        self._weights = fingerprint_of([fingerprint_file(Path(checkpoint)), precision])
        network = network.fuse(kernel_only=True).to(self.device, dtype=_DTYPES[precision])
        self.network = in_channels_last(network)

    @property
    def fingerprint(self) -> str:
        """Of all that the boxes depend on: weights, configuration and precision."""
        return fingerprint_of([self._weights, described(self.config)])

    def detect(self, picture: GivenPicture) -> list[Detection]:
        """Boxes of one picture, in its pixels as they are stored; rectangles clockwise from top left.

        Args:
            picture: a path, the bytes of a file, a PIL image, or uint8 [H, W] grey, [H, W, 3] RGB or [H, W, 4] RGBA.

        Raises:
            PipelineError: it is none of these.
        """
        return self.detect_batch([picture])[0]

    def detect_batch(self, pictures: Sequence[GivenPicture]) -> list[list[Detection]]:
        """Boxes of each picture; those that are equal in size at the network's input go through it together.

        Raises what `detect` raises.
        """
        pages = [rgb_pixels(picture) for picture in pictures]
        fitted = [fit_page(page, self.config.short_size) for page in pages]
        found: list[list[Detection]] = [[] for _ in pages]
        for shape in dict.fromkeys(picture.shape for picture in fitted):
            alike = [number for number, picture in enumerate(fitted) if picture.shape == shape]
            for number, logits in zip(alike, self.logits([fitted[number] for number in alike]), strict=True):
                size = pages[number].shape[0], pages[number].shape[1]
                boxes = find_boxes(logits, size, rules_of(self.config))
                found[number] = [box.from_top_left() for box in boxes]
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
    return BoxRules(*(getattr(config, name) for name in BoxRules._fields))


def config_of(weights: Weights) -> FastConfig:
    """The configuration that a checkpoint carries, else the defaults of its variant."""
    fields = weights.extras.get("config")
    if isinstance(fields, dict):
        return config_from(fields, weights.path)
    logger.info("%s carries no configuration; the defaults of FAST %s are used", weights.path, weights.variant)
    return FastConfig(variant=weights.variant)
