"""What all models of torch and transformers have in common: a place they come from, and a device they run on."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from pickle import UnpicklingError

import torch
from huggingface_hub import HfApi, try_to_load_from_cache
from huggingface_hub.errors import HTTPError, RepositoryNotFoundError
from msgspec import MsgspecError
from safetensors import SafetensorError
from torch import nn

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models import place_of
from ocr_pipeline.settings import described
from ocr_pipeline.storage.files.fingerprints import fingerprint_of

logger = logging.getLogger(__name__)

_PATIENCE = 10.0  # seconds until the hub counts as not reached


@contextmanager
def loaded_from(what: str, place: str | Path) -> Iterator[None]:
    """Whatever transformers says of a model, or a part of one, that it cannot load, as one error that names it.

    Raises:
        PipelineError: it cannot be loaded.
    """
    try:
        yield
    except (PipelineError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a configuration that is none fails wherever transformers first uses it
        raise not_loaded(what, place, error) from error


_MEANT = {  # what those who load a model by a setting are told, who have no such setting here
    "ignore_mismatched_sizes": "its weights are not of the sizes that its config.json names",
    "weights_only": "its weights are damaged, or no file of plain weights",
}


def not_loaded(what: str, place: str | Path, error: Exception) -> PipelineError:
    """What to tell of a model, or a part of one, that transformers cannot load from ``place``."""
    told = str(error) or type(error).__name__
    reason = next((meant for word, meant in _MEANT.items() if word in told), " ".join(told.splitlines()[:2]))
    return PipelineError(
        f"{what} cannot be loaded ({reason})",
        where=place,
        remedy="Give the folder of a VisionEncoderDecoderModel with its processor, or its name on the hub.",
    )


def may_be_on_the_hub(name: str) -> bool:
    """Whether it is spelled as models on the Hugging Face hub are: ``owner/name``."""
    return re.fullmatch(r"[\w.-]+/[\w.-]+", name) is not None


def found(base: str | Path) -> str:
    """Where transformers finds a base model: a folder, shipped or given, or its name on the hub.

    Raises:
        PipelineError: it is no folder and can be on no hub, or is neither there nor in the cache.
    """
    place = place_of(base)
    return place if Path(place).is_dir() else found_on_the_hub(place)


def found_on_the_hub(name: str) -> str:
    """The name, if the hub has such a model; its folder in the cache, if the hub is not reached.

    It is asked once: transformers asks for every file anew, six times over where there is no network.

    Raises:
        PipelineError: it can be on no hub, or is neither there nor in the cache.
    """
    if not may_be_on_the_hub(name) or Path(name).is_file():
        raise PipelineError(
            "there is no such base model", where=name, remedy="Give a folder, or a name on the hub such as owner/name."
        )
    try:
        HfApi().model_info(name, timeout=_PATIENCE)
    except RepositoryNotFoundError as error:
        raise PipelineError(
            "there is no such folder here, and no such model on the Hugging Face hub, or it is private",
            where=name,
            remedy="Look at its name; `hf auth login` shows the hub who you are.",
        ) from error
    except (OSError, HTTPError) as error:
        return _from_the_cache(name, error)
    logger.info("%s is no folder here: it is taken from the Hugging Face hub", name)
    return name


def _from_the_cache(name: str, error: Exception) -> str:
    cached = try_to_load_from_cache(name, "config.json")
    if not isinstance(cached, str):
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PipelineError(
            f"there is no such folder here, and the Hugging Face hub is not reached ({reason})",
            where=name,
            remedy=f"Where there is a network: `hf download {name} --local-dir FOLDER`; then give that folder.",
        ) from error
    folder = Path(cached).parent
    logger.info("%s: the Hugging Face hub is not reached, it is taken from the cache in %s", name, folder)
    return str(folder)


@contextmanager
def whole(what: str, path: Path) -> Iterator[None]:
    """Whatever a library says of a file that is damaged or torn, as one error that names it.

    Raises:
        PipelineError: the file cannot be read.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
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
    return fingerprint_of(chain(map(described, settings), (values.tobytes() for values in weights)))
