"""Adapter files as they lie on disk: ours, and those that older programs wrote, under today's module names."""

from __future__ import annotations

import math
import re
from collections.abc import Container
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from safetensors.torch import load_file
from torch import Tensor

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.pretrained import whole

ENCODER, DECODER = "encoder_dora", "decoder_lora"
ADAPTERS = (ENCODER, DECODER)
PEFT_PREFIX = "base_model.model."

# Transformers 4 called the modules of ViT and DeiT otherwise (as DPT calls them to this day), and adapters are saved
# under module names.
_RENAMED = (
    (re.compile(r"encoder\.encoder\.layer\.(\d+)\.attention\.attention\."), r"encoder.layers.\1.attention."),
    (re.compile(r"(encoder\.layers\.\d+\.attention\.)(query|key|value)\b"), lambda m: f"{m[1]}{m[2][0]}_proj"),
)
_CONFIG, _SAFE, _BINARY = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"


def has_adapters(folder: Path) -> bool:
    """Whether adapters lie here: in the two folders of a checkpoint, or (older resumed runs) in the folder itself."""
    return any((place / _CONFIG).is_file() for place in _places(folder))


def saved_adapters(folder: Path, modules: Container[str]) -> dict[str, tuple[LoraConfig, dict[str, Tensor]]]:
    """Configuration and weights of both adapters, by name.

    Which adapter a file holds is told by the modules that it names, not by where it lies: a run that was resumed by
    older programs has one adapter in the root, under the name "default".

    Args:
        modules: names of the model's modules; a name that is none of them is taken for one of an older release.

    Raises:
        PipelineError: one of the two is nowhere to be found, or a file is damaged.
    """
    found: dict[str, tuple[LoraConfig, dict[str, Tensor]]] = {}
    for place in _places(folder):
        if not (place / _CONFIG).is_file():
            continue
        state = _state(place, modules)
        for adapter, half in ((ENCODER, "encoder."), (DECODER, "decoder.")):
            own = {key: tensor for key, tensor in state.items() if key.removeprefix(PEFT_PREFIX).startswith(half)}
            if own and adapter not in found:
                with whole("the adapter's configuration", place / _CONFIG):
                    found[adapter] = (_config(place, own), own)
    for adapter in ADAPTERS:
        if adapter not in found:
            raise _missing(folder / adapter)
    return {adapter: found[adapter] for adapter in ADAPTERS}


def _config(place: Path, weights: dict[str, Tensor]) -> LoraConfig:
    """What made an adapter.

    Raises:
        ValueError: it did not make these weights.
    """
    config = LoraConfig.from_pretrained(str(place))
    if not isinstance(config, LoraConfig):
        raise ValueError(f"it is a {type(config).__name__}")
    ranks = {tensor.shape[0] for key, tensor in weights.items() if ".lora_A." in key}
    if ranks != {config.r} and not config.rank_pattern:
        raise ValueError(f"r is {config.r!r}, and the weights are of rank {', '.join(map(str, sorted(ranks))) or 0}")
    if not math.isfinite(config.lora_alpha):
        raise ValueError(f"lora_alpha is {config.lora_alpha}")
    return config


def _places(folder: Path) -> tuple[Path, ...]:
    return (*(folder / adapter for adapter in ADAPTERS), folder)


def _state(folder: Path, modules: Container[str]) -> dict[str, Tensor]:
    if (folder / _SAFE).is_file():
        with whole("the adapter", folder / _SAFE):
            state: dict[str, Any] = load_file(folder / _SAFE)
    elif (folder / _BINARY).is_file():
        with whole("the adapter", folder / _BINARY):
            state = torch.load(folder / _BINARY, map_location="cpu", weights_only=True)
    else:
        raise _missing(folder)
    return {_current_name(key, modules): tensor for key, tensor in state.items()}


def _current_name(key: str, modules: Container[str]) -> str:
    if module_of(key) in modules:
        return key
    for old, new in _RENAMED:
        key = old.sub(new, key)
    return key


def module_of(key: str) -> str:
    """The module that a weight of an adapter belongs to."""
    return key.split(".lora_")[0].removeprefix(PEFT_PREFIX)


def _missing(folder: Path) -> PipelineError:
    return PipelineError(
        "there is no adapter here",
        where=folder,
        remedy=f"Give a checkpoint folder that holds {ENCODER}/ and {DECODER}/.",
    )
