"""Pictures as the model wants them: its size, and the constants that turn bytes of pixels into its input."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ocr_pipeline.data.annotations import Crop
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
        size, more = dict(processor.size), _more_than_resizing(processor.to_dict())
        if not processor.do_resize or more or not size.get("height") or not size.get("width"):
            raise _refused(
                f"does not just resize to one height and width (size {size}, {', '.join(more) or 'no more'})"
            )
        if processor.resample not in tuple(Image.Resampling):
            raise _refused(f"names no filter for resizing (resample is {processor.resample!r})")
        (factor, *_) = _of_channels(processor.rescale_factor if processor.do_rescale else 1.0, "rescale_factor")
        mean, std = (0.0, 1.0) if not processor.do_normalize else (processor.image_mean, processor.image_std)
        means, deviations = _of_channels(mean, "image_mean"), _of_channels(std, "image_std")
        if not all(deviations):
            raise _refused("divides by an image_std of 0")
        return cls(
            size["height"],
            size["width"],
            int(processor.resample),
            tuple(factor / deviation for deviation in deviations),
            tuple(middle / deviation for middle, deviation in zip(means, deviations, strict=True)),
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


_PLAIN = ("do_resize", "do_rescale", "do_normalize", "do_convert_rgb")


def _more_than_resizing(fields: Mapping[str, Any]) -> list[str]:
    """What a processor does beside: pad (Donut), crop, keep the aspect (DPT), swap channels (MobileViT), ..."""
    steps = [name for name, value in fields.items() if value and name.startswith("do_") and name not in _PLAIN]
    return steps + ["keep_aspect_ratio"] * bool(fields.get("keep_aspect_ratio"))


def _of_channels(value: Any, name: str) -> tuple[float, ...]:
    """One number for all channels, or one for each."""
    numbers = tuple(value) if isinstance(value, list | tuple) else (value,)
    if len(numbers) not in (1, 3) or not all(isinstance(each, int | float) and math.isfinite(each) for each in numbers):
        raise _refused(f"has no number for each channel ({name} is {value})")
    return numbers * (3 // len(numbers))


def _refused(what: str) -> PipelineError:
    return PipelineError(
        f"the image processor {what}",
        where="preprocessor_config.json of the base model",
        remedy="Use a base model with an image processor of the ViT or TrOCR kind.",
    )


def to_input(pixels: Tensor, images: ImageFormat, device: torch.device) -> Tensor:
    """Bytes [B, height, width, 3] as the model's float input [B, 3, height, width], normalised on the device."""
    scale, offset = (torch.tensor(values, device=device).view(3, 1, 1) for values in (images.scale, images.offset))
    return pixels.to(device, non_blocking=True).permute(0, 3, 1, 2) * scale - offset


def decode_crop(crop: Crop) -> np.ndarray:
    """A crop of recognition data as (H, W, 3) uint8 RGB.

    Raises:
        PipelineError: it cannot be read.
    """
    try:
        return crop.cut(decode_rgb(crop.image))
    except ValueError as error:
        raise PipelineError(
            f"a crop cannot be read ({error})",
            where=crop.source,
            remedy="Make the annotations again; the stage sets such pictures aside.",
        ) from error


def decode_rgb(data: bytes) -> np.ndarray:
    """An encoded picture as (H, W, 3) uint8 RGB.

    Raises:
        ValueError: it is truncated or no picture.
    """
    return decode_picture(data, "RGB")
