"""Base models: which one a checkpoint was trained on, by name and by its weights, for a name can change its content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
from transformers.utils import cached_file

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models import place_of
from ocr_pipeline.recognition.dlora.saved_adapters import ADAPTERS
from ocr_pipeline.recognition.pretrained import found, not_loaded, whole
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of

RECORD = "base.json"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_INDEX = ".index.json"  # of weights that are spread over several files
_OF_THE_PACKAGE = (
    "The package came with other weights then. With its version of that time, `ocr-pipeline merge-dlora` makes a whole "
    "model of the checkpoint, which every version reads; or train again."
)


class _AdapterConfig(msgspec.Struct):
    """What is read of peft's."""

    base_model_name_or_path: str


class BaseRecord(msgspec.Struct):
    """What a checkpoint says of its base."""

    name: str
    fingerprint: str


def base_of(checkpoint: Path) -> str:
    """The name of the base model that a checkpoint's adapters were trained on.

    Raises:
        PipelineError: the checkpoint does not say.
    """
    path = checkpoint / ADAPTERS[0] / "adapter_config.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=_AdapterConfig).base_model_name_or_path
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PipelineError(
            "the checkpoint does not name its base model", where=path, remedy="Give the base model yourself."
        ) from error


def base_fingerprint(base: str | Path) -> str:
    """Fingerprint of the weights of a model in a folder or on the Hugging Face hub (fetched into its cache first).

    Raises:
        PipelineError: there is no such model, or it has no weights.
    """
    try:
        return fingerprint_of(fingerprint_file(path) for path in _weight_files(found(base)))
    except OSError as error:
        raise not_loaded("the base model", base, error) from error


def record_base(folder: Path, name: str, fingerprint: str) -> None:
    """Leave in a checkpoint what it was trained on."""
    (folder / RECORD).write_bytes(msgspec.json.encode(BaseRecord(name, fingerprint)) + b"\n")


def demand_base(checkpoint: Path, name: str, fingerprint: str) -> None:
    """See to it that adapters meet their own base; older checkpoints do not say which that is.

    Raises:
        PipelineError: they were trained on another.
    """
    path = checkpoint / RECORD
    if not path.is_file():
        return
    with whole("the record of the base", path):
        own = msgspec.json.decode(path.read_bytes(), type=BaseRecord)
    if own.fingerprint != fingerprint:
        raise PipelineError(
            f"the adapters were trained on another base: on {own.name} with weights {own.fingerprint}, and {name} has "
            f"weights {fingerprint}",
            where=checkpoint,
            remedy=_OF_THE_PACKAGE
            if own.name == name and place_of(name) != name
            else f"Give the base that they were trained on; where it was only saved anew, delete {RECORD} there.",
        )


def _weight_files(base: str) -> Iterator[Path]:
    for name in _WEIGHTS:
        if whole := cached_file(base, name, _raise_exceptions_for_missing_entries=False):
            yield Path(whole)
            return
        if index := cached_file(base, name + _INDEX, _raise_exceptions_for_missing_entries=False):
            parts = json.loads(Path(index).read_text(encoding="utf-8"))["weight_map"].values()
            yield from (Path(str(cached_file(base, part))) for part in sorted(set(parts)))
            return
    raise FileNotFoundError(f"neither {' nor '.join(_WEIGHTS)} is there")
