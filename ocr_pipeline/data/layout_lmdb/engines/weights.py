"""Where the weights of a model lie: a folder, or the Hugging Face cache."""

from __future__ import annotations

from pathlib import Path

import huggingface_hub

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of

CONFIG, WEIGHTS = "config.json", "model.safetensors"

_HUB_OWNER, _HUB_SUFFIX = "PaddlePaddle", "_safetensors"


def model_name(model: str) -> str:
    """A model's name for people: ``PP-DocLayoutV2``."""
    return Path(model).name.removesuffix(_HUB_SUFFIX)


def weights_fingerprint(folder: Path) -> str:
    """Fingerprint of weights and configuration."""
    return fingerprint_of(fingerprint_file(folder / name) for name in (CONFIG, WEIGHTS))


def find_weights(model: str) -> Path:
    """The folder with the model's files: a local one, or the hub's cache, which is filled on first use.

    Raises:
        PipelineError: with the places looked at and the command that fetches the weights.
    """
    folder = Path(model).expanduser()
    repository = repository_of(model)
    looked_at = f"folder {folder}"
    if not folder.is_dir() and not folder.is_absolute():
        looked_at += f", Hugging Face repository {repository}"
        try:
            folder = Path(huggingface_hub.snapshot_download(repository, allow_patterns=[CONFIG, WEIGHTS]))
        except (OSError, ValueError) as error:
            raise _no_weights(model, looked_at) from error
    if not all((folder / name).is_file() for name in (CONFIG, WEIGHTS)):
        raise _no_weights(model, looked_at)
    return folder


def _no_weights(model: str, looked_at: str) -> PipelineError:
    official = f"{_HUB_OWNER}/PP-DocLayoutV2{_HUB_SUFFIX}" if "/" in model else repository_of(model)
    return PipelineError(
        f"the weights of the model {model} are not to be had ({CONFIG} and {WEIGHTS})",
        where=looked_at,
        remedy=f"Run `hf download {official} --local-dir layout_model` where there is a network and set "
        "FAST_LAYOUT_MODEL to that folder; or set FAST_LAYOUT_MODEL=none.",
    )


def repository_of(model: str) -> str:
    """The repository of a model on the Hugging Face hub."""
    if "/" in model:
        return model
    return f"{_HUB_OWNER}/{model.removesuffix(_HUB_SUFFIX)}{_HUB_SUFFIX}"
