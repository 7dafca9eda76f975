"""QLoRA (Dettmers et al. 2023, arXiv 2305.14314): the frozen base in 4 bits, while its adapters learn in full."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn
from transformers import BitsAndBytesConfig

from ocr_pipeline.errors import PipelineError

# What adapters never sit in stays as it is: the output layers of each family of decoders, and the pooler, which many
# checkpoints lack, so that there is nothing to quantise.
_IN_FULL = (
    "encoder.pooler.dense",
    "enc_to_dec_proj",
    "decoder.cls.predictions.transform.dense",
    "decoder.cls.predictions.decoder",
    "decoder.lm_head",
    "decoder.lm_head.dense",
    "decoder.lm_head.decoder",
    "decoder.output_projection",
)


def four_bits(compute: torch.dtype | None) -> Any:
    """How ``from_pretrained`` is to quantise a base: NF4, computing in ``compute`` (None: float32).

    Raises:
        PipelineError: bitsandbytes is not installed.
    """
    if find_spec("bitsandbytes") is None:
        raise PipelineError(
            "bitsandbytes is not installed, which holds the base in 4 bits",
            where="qlora (USE_QLORA)",
            remedy="pip install 'ocr_pipeline[qlora]', or train without it: it spares some 0.3 GB of a ko-trocr, and "
            "--gradient_checkpointing and a smaller batch spare far more.",
        )
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute or torch.float32,
        llm_int8_skip_modules=list(_IN_FULL),
    )


def keep_trainable(model: nn.Module) -> None:
    """Forbid bitsandbytes to pack weights anew for reading on the CPU: no gradient passes what it packed."""
    layers: Iterable[Any] = model.modules()
    for module in layers:
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
