"""Pictures as the model wants them: its size, and the constants that turn bytes of pixels into its input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.pictures import decode_picture


@dataclass(frozen=True)
class ImageFormat:
    """What an image processor of the ViT family does, taken apart.

    Resizing stays on bytes, so that workers send a quarter of what floats would weigh; the device applies
    ``pixels * scale - offset`` (per channel) afterwards.

    Attributes:
        height, width: pixels; the aspect ratio is not kept, as TrOCR was trained.
        resample: Pillow's number of the filter (2 bilinear; it smooths when it shrinks, unlike OpenCV's).
        scale, offset: three numbers each.
    """

    height: int
    width: int
    resample: int
    scale: tuple[float, ...]
    offset: tuple[float, ...]

    @classmethod
    def of(cls, processor: Any) -> ImageFormat:
        """The format of a Hugging Face image processor.

        Raises:
            PipelineError: it does something else than resize to one size and normalise.
        """
        size = processor.size
        cropped = getattr(processor, "do_center_crop", False)
        if not processor.do_resize or cropped or not size.get("height") or not size.get("width"):
            raise PipelineError(
                f"the image processor does not just resize to one height and width (size {size}, crop {bool(cropped)})",
                where=type(processor).__name__,
                remedy="Use a base model with an image processor of the ViT or TrOCR kind.",
            )
        factor = processor.rescale_factor if processor.do_rescale else 1.0
        mean, std = (processor.image_mean, processor.image_std) if processor.do_normalize else ([0.0] * 3, [1.0] * 3)
        return cls(
            size["height"],
            size["width"],
            int(processor.resample),
            tuple(factor / deviation for deviation in std),
            tuple(middle / deviation for middle, deviation in zip(mean, std, strict=True)),
        )

    def resize(self, rgb: np.ndarray) -> np.ndarray:
        """Any (H, W, 3) uint8 RGB picture as (height, width, 3) uint8."""
        resized = Image.fromarray(rgb).resize((self.width, self.height), Image.Resampling(self.resample))
        return np.asarray(resized)

    def read(self, data: bytes) -> np.ndarray:
        """An encoded picture as (height, width, 3) uint8 RGB.

        Raises:
            ValueError: it is truncated or no picture.
        """
        return self.resize(decode_rgb(data))


def to_input(pixels: Tensor, images: ImageFormat, device: torch.device) -> Tensor:
    """Bytes [B, height, width, 3] as the model's float input [B, 3, height, width], normalised on the device."""
    scale, offset = (torch.tensor(values, device=device).view(3, 1, 1) for values in (images.scale, images.offset))
    return pixels.to(device, non_blocking=True).permute(0, 3, 1, 2) * scale - offset


def decode_rgb(data: bytes) -> np.ndarray:
    """An encoded picture as (H, W, 3) uint8 RGB.

    Raises:
        ValueError: it is truncated or no picture.
    """
    return decode_picture(data, "RGB")
