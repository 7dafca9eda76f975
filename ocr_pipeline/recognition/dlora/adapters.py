"""DLoRA: a DoRA adapter in the image encoder and a LoRA adapter in the text decoder of one model.

The method is that of Da and Yu, "Mixed Text Recognition with Efficient Parameter Fine-Tuning and Transformer"
(arXiv 2404.12734); DoRA is Liu et al. 2024 (arXiv 2402.09353), LoRA Hu et al. 2021 (arXiv 2106.09685). Both adapters
live in one PeftModel under their own names and are active together. For comparison the same two places can hold LoRA
on both sides or DoRA on both sides; then the names say only where an adapter sits, and its configuration what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from torch import nn
from transformers.pytorch_utils import Conv1D

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.dlora.adapted_linear import AdaptedLinear
from ocr_pipeline.recognition.dlora.saved_adapters import ADAPTERS, DECODER, ENCODER, module_of, saved_adapters

METHODS = {"dlora": (True, False), "lora": (False, False), "dora": (True, True)}
"""Whether the encoder's and the decoder's adapter is DoRA (else LoRA)."""

# Whole module names, so that neither adapter can slip into the other's half. As in the paper: query, key and value of
# the encoder's attention (ViT and DeiT; DPT; Swin; Swinv2; Hiera, which has the three in one); query, key, value and
# output of both attentions of the decoder (BERT and RoBERTa, TrOCR and mBART, then GPT-2). With the feed-forward
# layers: all linear layers of every block.
_VIT, _DPT, _SWIN, _HIERA = (
    rf"encoder\.{place}\."
    for place in (
        r"layers\.\d+",
        r"encoder\.layer\.\d+",
        r"encoder\.layers\.\d+\.blocks\.\d+",
        r"encoder\.stages\.\d+\.layers\.\d+",
    )
)
_QUERY_KEY_VALUE = r"(q_proj|k_proj|v_proj)"
_ENCODER_ATTENTION = (
    rf"({_VIT}|{_SWIN})attention\.{_QUERY_KEY_VALUE}|({_DPT}attention\.attention|{_SWIN}attention\.self)\."
    rf"(query|key|value)|{_HIERA}attn\.qkv"
)
_ENCODER_REST = (
    rf"({_VIT}|{_SWIN})(attention\.o_proj|mlp\.(fc1|fc2))|({_DPT}|{_SWIN})((attention\.)?output|intermediate)\.dense|"
    rf"{_HIERA}(attn\.proj|mlp\.(fc1|fc2))"
)
_GPT2 = r"decoder\.transformer\.h\.\d+\."
_GPT2_ATTENTION = r"(attn|crossattention)\.(c_attn|q_attn|c_proj)"
_BERT, _TROCR = r"decoder\.\w+\.encoder\.layer\.\d+\.", r"decoder\.model\.decoder\.layers\.\d+\."
_BERT_ATTENTION = r"(attention|crossattention)\.(self\.(query|key|value)|output\.dense)"
_TROCR_ATTENTION = r"(self_attn|encoder_attn)\.(q_proj|k_proj|v_proj|out_proj)"
PRESETS = {
    "attention": {
        ENCODER: _ENCODER_ATTENTION,
        DECODER: rf"{_BERT}{_BERT_ATTENTION}|{_TROCR}{_TROCR_ATTENTION}|{_GPT2}{_GPT2_ATTENTION}",
    },
    "attention+ffn": {
        ENCODER: rf"{_ENCODER_ATTENTION}|{_ENCODER_REST}",
        DECODER: rf"{_BERT}({_BERT_ATTENTION}|(intermediate|output)\.dense)|{_TROCR}({_TROCR_ATTENTION}|fc1|fc2)|"
        rf"{_GPT2}({_GPT2_ATTENTION}|mlp\.(c_fc|c_proj))",
    },
}


def target_modules(model: nn.Module, adapter: str, preset: str = "attention") -> list[str]:
    """Names of the modules of a VisionEncoderDecoderModel that ``adapter`` goes into.

    Raises:
        PipelineError: there are none: the model is of a family that is not known here.
    """
    pattern = re.compile(PRESETS[preset][adapter])
    names = [
        name
        for name, module in model.named_modules()
        if pattern.fullmatch(name) and isinstance(module, nn.Linear | Conv1D)
    ]
    if not names:
        raise PipelineError(
            f"the model has no place for {adapter}",
            where=type(model).__name__,
            remedy="Use a base with a ViT, DeiT, DPT, Swin, Donut or Hiera encoder and a BERT, RoBERTa, TrOCR, mBART "
            "or GPT-2 decoder.",
        )
    return names


def add_adapters(
    model: nn.Module, *, rank: int, alpha: int, dropout: float, method: str = "dlora", preset: str = "attention"
) -> PeftModel:
    """Wrap ``model`` with two new adapters; they alone are trainable, and change nothing before the first step."""
    configs = {
        adapter: LoraConfig(
            r=rank,
            lora_alpha=alpha,
            lora_dropout=dropout,
            use_dora=use_dora,
            target_modules=PRESETS[preset][adapter],
        )
        for adapter, use_dora in zip(ADAPTERS, METHODS[method], strict=True)
        if target_modules(model, adapter, preset)
    }
    return _wrap(model, configs, trainable=True)


def save_adapters(model: PeftModel, folder: Path) -> None:
    """Write ``folder/{encoder_dora,decoder_lora}/{adapter_config.json,adapter_model.safetensors}``."""
    model.save_pretrained(str(folder), selected_adapters=list(ADAPTERS), save_embedding_layers=False)


def load_adapters(model: nn.Module, folder: Path, *, trainable: bool = False) -> PeftModel:
    """Wrap ``model`` with the adapters saved in ``folder``, also those that older programs left there.

    Raises:
        PipelineError: an adapter is missing, or does not belong to this model.
    """
    saved = saved_adapters(folder, {name for name, _ in model.named_modules()})
    configs = {}
    for adapter, (config, state) in saved.items():
        names = sorted({module_of(key) for key in state})
        config.target_modules = _pattern_for(names, model, adapter) or names
        configs[adapter] = config
    _check_targets(model, configs, folder)
    wrapped = _wrap(model, configs, trainable=trainable)
    for adapter, (_, state) in saved.items():
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

    B starts at zero, hence the gradient of A is zero until a step has moved B: in half precision that may take many,
    for the first learning rates of a long warm-up leave B too small to be told from zero.

    Args:
        precision: what the adapters are multiplied in; None is their own.
    """

    def __init__(self, model: PeftModel, precision: torch.dtype | None = None) -> None:
        self._weights = self._silent = dict(adapter_parameters(model))
        self._precision, self._is_first = precision or torch.float32, True

    def after_backward(self) -> None:
        """Call after each backward pass, before the optimiser step.

        Raises:
            PipelineError: some parameter had no gradient in two steps, and nothing that is still zero keeps it away.
        """
        self._silent = {name: w for name, w in self._silent.items() if w.grad is None or not bool(w.grad.any())}
        is_first, self._is_first = self._is_first, False
        faulty = [] if is_first else sorted(filter(self._should_learn, self._silent))
        if faulty:
            raise PipelineError(
                f"{len(faulty)} adapter parameters get no gradient",
                where=", ".join(faulty[:3]),
                remedy="The base model does not use these modules; choose another base.",
            )

    def _should_learn(self, name: str) -> bool:
        """Whether a silent parameter is no A whose B has a gradient and is merely zero still."""
        up = name.replace(".lora_A.", ".lora_B.")
        return up in self._silent or bool(self._weights[up].to(self._precision).any())


def _wrap(model: nn.Module, configs: dict[str, LoraConfig], *, trainable: bool) -> PeftModel:
    in_full = not getattr(model, "is_quantized", False)  # what is quantised, peft has layers of its own for
    for config in configs.values() if in_full else ():
        config._register_custom_module({nn.Linear: AdaptedLinear})
    wrapped = get_peft_model(model, configs[ENCODER], adapter_name=ENCODER)
    wrapped.add_adapter(DECODER, configs[DECODER])
    # PeftModel.set_adapter takes one name only; that of the tuner inside takes both, and sets requires_grad on both.
    tuner: Any = wrapped.base_model
    tuner.set_adapter(list(ADAPTERS), inference_mode=not trainable)
    return wrapped


def _pattern_for(names: list[str], model: nn.Module, adapter: str) -> str | None:
    """The pattern of the preset that makes exactly these modules."""
    fitting = (
        preset[adapter] for name, preset in PRESETS.items() if names == sorted(target_modules(model, adapter, name))
    )
    return next(fitting, None)


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
