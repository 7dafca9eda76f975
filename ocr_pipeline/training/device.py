"""The torch device of a name."""

from __future__ import annotations

import re

import torch

from ocr_pipeline.devices.names import A_DEVICE, DEVICE, cuda_name
from ocr_pipeline.errors import PipelineError


def chosen_device(name: str) -> torch.device:
    """The device that a user named (`ocr_pipeline.devices.names`); ``auto`` is CUDA where there is one.

    Raises:
        PipelineError: it is no device, or a GPU that this machine does not have.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not re.fullmatch(DEVICE, str(name)):
        raise PipelineError("no such device", where=name, remedy=f"Choose {A_DEVICE}.")
    device = torch.device(cuda_name(name))
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.type == "cuda" and (device.index or 0) >= gpus:
        raise PipelineError(
            f"there is no CUDA device {device.index}, but {gpus}" if gpus else "there is no CUDA device here",
            where=f"device {name}",
            remedy=f"Choose the device cpu, or a GPU and a CUDA build of torch (here it is {torch.__version__}).",
        )
    return device
