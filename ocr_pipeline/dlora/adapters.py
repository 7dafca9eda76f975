"""DLoRA: a DoRA adapter in the image encoder and a LoRA adapter in the text decoder of one model.

The method is that of Da and Yu, "Mixed Text Recognition with Efficient Parameter Fine-Tuning and Transformer"
(arXiv 2404.12734); DoRA is Liu et al. 2024 (arXiv 2402.09353), LoRA Hu et al. 2021 (arXiv 2106.09685). Both adapters
live in one PeftModel under their own names and are active together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file
from torch import nn

from ocr_pipeline.errors import PipelineError

ENCODER, DECODER = "encoder_dora", "decoder_lora"
ADAPTERS = (ENCODER, DECODER)

# Whole module names, so that neither adapter can slip into the other's half: query, key and value of the encoder's
# attention (ViT, DeiT); query, key, value and output of both attentions of the decoder (BERT and RoBERTa, then TrOCR).
TARGETS = {
    ENCODER: r"encoder\.layers\.\d+\.attention\.(q_proj|k_proj|v_proj)",
    DECODER: r"decoder\.(\w+\.)+layers?\.\d+\."
    r"((attention|crossattention)\.(self\.(query|key|value)|output\.dense)"
    r"|(self_attn|encoder_attn)\.(q_proj|k_proj|v_proj|out_proj))",
}

# Transformers 4 called the encoder's modules otherwise, and adapters are saved under module names.
_RENAMED = (
    (re.compile(r"encoder\.encoder\.layer\.(\d+)\.attention\.attention\."), r"encoder.layers.\1.attention."),
    (re.compile(r"(encoder\.layers\.\d+\.attention\.)(query|key|value)\b"), lambda m: f"{m[1]}{m[2][0]}_proj"),
)
_PEFT_PREFIX = "base_model.model."


def target_modules(model: nn.Module, adapter: str) -> list[str]:
    """Names of the modules of a VisionEncoderDecoderModel that ``adapter`` goes into.

    Raises:
        PipelineError: there are none: the model is of a family that is not known here.
    """
    pattern = re.compile(TARGETS[adapter])
    names = [
        name for name, module in model.named_modules() if pattern.fullmatch(name) and isinstance(module, nn.Linear)
    ]
    if not names:
        raise PipelineError(
            f"the model has no place for {adapter}",
            where=type(model).__name__,
            remedy="Use a base with a ViT or DeiT encoder and a BERT, RoBERTa or TrOCR decoder.",
        )
    return names


def add_adapters(model: nn.Module, *, rank: int, alpha: int, dropout: float) -> PeftModel:
    """Wrap ``model`` with two new adapters; they alone are trainable, and change nothing before the first step."""
    configs = {
        adapter: LoraConfig(
            r=rank,
            lora_alpha=alpha,
            lora_dropout=dropout,
            use_dora=adapter == ENCODER,
            target_modules=TARGETS[adapter],
        )
        for adapter in ADAPTERS
    }
    return _wrap(model, configs, trainable=True)


def save_adapters(model: PeftModel, folder: Path) -> None:
    """Write ``folder/{encoder_dora,decoder_lora}/{adapter_config.json,adapter_model.safetensors}``."""
    model.save_pretrained(str(folder), selected_adapters=list(ADAPTERS))


def load_adapters(model: nn.Module, folder: Path, *, trainable: bool = False) -> PeftModel:
    """Wrap ``model`` with the adapters saved in ``folder``, also those that were saved under transformers 4.

    Raises:
        PipelineError: an adapter is missing, or does not belong to this model.
    """
    states = {adapter: _saved_state(folder / adapter) for adapter in ADAPTERS}
    configs = {}
    for adapter, state in states.items():
        config = LoraConfig.from_pretrained(str(folder / adapter))
        names = sorted({key.split(".lora_")[0].removeprefix(_PEFT_PREFIX) for key in state})
        config.target_modules = TARGETS[adapter] if names == sorted(target_modules(model, adapter)) else names
        configs[adapter] = config
    _check_targets(model, configs, folder)
    wrapped = _wrap(model, configs, trainable=trainable)
    for adapter, state in states.items():
        result: Any = set_peft_model_state_dict(wrapped, state, adapter_name=adapter)
        missing = [key for key in result.missing_keys if f".{adapter}" in key]
        if missing or result.unexpected_keys:
            raise _foreign(folder / adapter, [*missing, *result.unexpected_keys])
    return wrapped


def merge_adapters(model: PeftModel) -> nn.Module:
    """The base model with both adapters worked into its weights: same output, no extra time per token."""
    return model.merge_and_unload(adapter_names=list(ADAPTERS))


def adapter_parameters(model: PeftModel) -> list[tuple[str, nn.Parameter]]:
    """All parameters of both adapters, by name, in an order that does not depend on how they were added."""
    named = [(name, weight) for name, weight in model.named_parameters() if any(f".{a}" in name for a in ADAPTERS)]
    return sorted(named, key=lambda pair: pair[0])


class GradientWatch:
    """Makes sure that every adapter parameter learns: a PEFT set-up that trains one half only looks right otherwise.

    B starts at zero, hence the gradient of A is zero until the first optimiser step has moved B.
    """

    def __init__(self, model: PeftModel, steps: int = 2) -> None:
        self._silent = dict(adapter_parameters(model))
        self._steps_left = steps

    def after_backward(self) -> None:
        """Call after each backward pass, before the optimiser step.

        Raises:
            PipelineError: the steps are over and some parameter never had a gradient.
        """
        if not self._steps_left:
            return
        self._steps_left -= 1
        self._silent = {name: w for name, w in self._silent.items() if w.grad is None or not bool(w.grad.any())}
        if not self._steps_left and self._silent:
            raise PipelineError(
                f"{len(self._silent)} adapter parameters get no gradient",
                where=", ".join(sorted(self._silent)[:3]),
                remedy="The base model does not use these modules; choose another base.",
            )


def _wrap(model: nn.Module, configs: dict[str, LoraConfig], *, trainable: bool) -> PeftModel:
    wrapped = get_peft_model(model, configs[ENCODER], adapter_name=ENCODER)
    wrapped.add_adapter(DECODER, configs[DECODER])
    # PeftModel.set_adapter takes one name only; that of the tuner inside takes both, and sets requires_grad on both.
    tuner: Any = wrapped.base_model
    tuner.set_adapter(list(ADAPTERS), inference_mode=not trainable)
    return wrapped


def _saved_state(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of one saved adapter, under today's module names."""
    safe, older = folder / "adapter_model.safetensors", folder / "adapter_model.bin"
    if safe.is_file():
        state: dict[str, Any] = load_file(safe)
    elif older.is_file():
        state = torch.load(older, map_location="cpu", weights_only=True)
    else:
        raise PipelineError(
            "there is no adapter here",
            where=folder,
            remedy=f"Give a checkpoint folder that holds {ENCODER}/ and {DECODER}/.",
        )
    return {_current_name(key): tensor for key, tensor in state.items()}


def _current_name(key: str) -> str:
    for old, new in _RENAMED:
        key = old.sub(new, key)
    return key


def _check_targets(model: nn.Module, configs: dict[str, LoraConfig], folder: Path) -> None:
    """Each adapter must stay in its own half of the model, and all its modules must exist."""
    present = {name for name, _ in model.named_modules()}
    for adapter, config in configs.items():
        if isinstance(config.target_modules, str):
            continue
        half = "encoder." if adapter == ENCODER else "decoder."
        foreign = [name for name in _names(config) if name not in present or not name.startswith(half)]
        if foreign:
            raise _foreign(folder / adapter, foreign)


def _names(config: LoraConfig) -> Iterator[str]:
    yield from config.target_modules or ()


def _foreign(folder: Path, names: Iterable[str]) -> PipelineError:
    return PipelineError(
        f"the adapter does not fit the base model ({', '.join(list(names)[:3])})",
        where=folder,
        remedy="Give the base model that the adapter was trained on.",
    )
