"""Whether the parts of a base belong together: its tokenizer, its image processor and the two halves of the model."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers.models.trocr.modeling_trocr import TrOCRSinusoidalPositionalEmbedding

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.dlora.base import Base
from ocr_pipeline.recognition.images import to_input


def make_positions(model: nn.Module) -> None:
    """Compute the sinusoidal positions of a TrOCR decoder (trocr-base-stage1's kind), which no file holds.

    Transformers leaves them without data when it loads a model, and on the CPU when the model moves.
    """
    for module in model.modules():
        if isinstance(module, TrOCRSinusoidalPositionalEmbedding) and "weights" in vars(module):
            table = module.get_embedding(len(module.weights), module.embedding_dim, module.padding_idx)
            del module.weights
            module.register_buffer("weights", table, persistent=False)


def must_fit(base: Base, *, dry_run: bool = True) -> None:
    """See to it that a base can read and learn, before either begins.

    Args:
        dry_run: let it look at an empty crop and say a token.

    Raises:
        PipelineError: the image processor does more than is done here, the tokenizer or the configuration names tokens
            that the decoder has not, no token begins or ends a text, or the halves do not go together.
    """
    known, tokens = base.model.decoder.get_input_embeddings().num_embeddings, base.tokenizer.get_vocab().values()
    if max(tokens) >= known:
        raise _unfit(base, f"the tokenizer counts up to token {max(tokens)}, and the decoder knows {known}")
    if base.model.config.decoder_start_token_id is None or not base.ends:
        raise _unfit(base, "no token is named that begins a text, or none that ends it")
    config = base.model.config
    for token in (config.decoder_start_token_id, *base.ends, config.pad_token_id):
        if not (isinstance(token, int) and 0 <= token < known):
            raise _unfit(base, f"{token!r} shall begin, end or fill up a text, and the decoder knows 0 to {known - 1}")
    if base.images and dry_run:
        try:
            _try(base)
        except (ValueError, RuntimeError, IndexError, TypeError, AttributeError) as error:
            raise _unfit(base, str(error).splitlines()[0]) from error


@torch.inference_mode()
def _try(base: Base) -> None:
    model: Any = base.model.eval()
    pixels = torch.zeros((1, base.images.height, base.images.width, 3), dtype=torch.uint8)
    start = torch.full((1, 1), model.config.decoder_start_token_id)
    said = model(pixel_values=to_input(pixels, base.images, model.device), decoder_input_ids=start, use_cache=False)
    if said.logits.isnan().any():
        raise ValueError("what it says is no number: its weights are damaged")


def _unfit(base: Base, why: str) -> PipelineError:
    return PipelineError(
        f"the parts of the base do not fit together ({why})",
        where=base.name,
        remedy="Take model, tokenizer and image processor from one base; ocr-pipeline check-base NAME looks at it.",
    )
