"""What all models of torch and transformers have in common: a place they come from, and a device they run on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from pickle import UnpicklingError

import torch
from msgspec import MsgspecError
from safetensors import SafetensorError
from torch import nn

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.fingerprints import fingerprint_of


def not_loaded(what: str, place: str | Path, error: Exception) -> PipelineError:
    """What to tell of a model, or a part of one, that transformers cannot load from ``place``."""
    return PipelineError(
        f"{what} cannot be loaded ({str(error).splitlines()[0]})",
        where=place,
        remedy="Give the folder of a VisionEncoderDecoderModel with its processor, or its name on the hub.",
    )


@contextmanager
def whole(what: str, path: Path) -> Iterator[None]:
    """Whatever a library says of a file that is damaged or torn, as one error that names it.

    Raises:
        PipelineError: the file cannot be read.
    """
    try:
        yield
    except _DAMAGED as error:
        # torch would advise to load such a file with weights_only=False, which runs what is in it
        is_torch = isinstance(error, UnpicklingError | RuntimeError | EOFError)
        reason = "it is damaged, or no file of plain weights" if is_torch else str(error).splitlines()[0]
        raise PipelineError(
            f"{what} cannot be read ({reason})",
            where=path,
            remedy="Copy the checkpoint again, whole, or take an earlier one.",
        ) from error


_DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    RuntimeError,
    UnpicklingError,
    SafetensorError,
    MsgspecError,
)


def chosen_device(device: str) -> str:
    """``auto`` is CUDA where there is one.

    Raises:
        PipelineError: CUDA is wanted and not there.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise PipelineError("this machine offers no CUDA", where=f"device {device}", remedy="Choose the device cpu.")
    return device


def architecture(folder: Path) -> str:
    """What kind of model transformers keeps in a folder, by its config.json; empty where there is none.

    Raises:
        PipelineError: the file cannot be read.
    """
    path = folder / "config.json"
    if not path.is_file():
        return ""
    try:
        return str(json.loads(path.read_text(encoding="utf-8")).get("model_type", ""))
    except (OSError, ValueError, AttributeError) as error:
        raise PipelineError(
            f"the model's configuration cannot be read ({error})", where=path, remedy="Fetch or save the model again."
        ) from error


def model_fingerprint(model: nn.Module, *settings: object) -> str:
    """Of a model's weights as they are now, and of what else decides how it reads."""
    weights = (tensor.detach().reshape(-1).view(torch.uint8).cpu().numpy() for tensor in model.state_dict().values())
    return fingerprint_of(chain(map(str, settings), (values.tobytes() for values in weights)))
