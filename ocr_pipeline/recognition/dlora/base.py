"""A base: a model of two halves with its tokenizer and image processor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import nn

from ocr_pipeline.recognition.dlora.bases import base_fingerprint
from ocr_pipeline.recognition.images import ImageFormat
from ocr_pipeline.recognition.text import TextCodec


@dataclass(frozen=True)
class Base:
    """A model with its tokenizer and image processor, in full precision on the CPU."""

    name: str
    model: Any
    tokenizer: Any
    image_processor: Any

    @cached_property
    def codec(self) -> TextCodec:
        return TextCodec(self.tokenizer, self.ends)

    @property
    def ends(self) -> tuple[int, ...]:
        """The tokens that end a text, one or several."""
        token = self.model.config.eos_token_id
        return tuple(token) if isinstance(token, list | tuple) else () if token is None else (token,)

    @cached_property
    def images(self) -> ImageFormat:
        return ImageFormat.of(self.image_processor)

    @property
    def positions(self) -> int:
        """The longest sequence of tokens that the decoder has positions for."""
        return self.model.config.decoder.max_position_embeddings - reserved_positions(self.model.decoder)

    @property
    def widest(self) -> float:
        """The widest crop that it was taught, in heights; no other model says it, and theirs are read as they are."""
        return float(getattr(self.model.config, "widest_crop", math.inf))

    @cached_property
    def fingerprint(self) -> str:
        """Of the weights as they are stored."""
        return base_fingerprint(self.name)

    def save_processors(self, folder: Path) -> None:
        self.tokenizer.save_pretrained(str(folder))
        self.image_processor.save_pretrained(str(folder))


def reserved_positions(decoder: nn.Module) -> int:
    """Positions that are no token's: RoBERTa and its kin count from behind the padding token."""
    tables = (module for name, module in decoder.named_modules() if name.endswith("position_embeddings"))
    padding = [table.padding_idx for table in tables if isinstance(table, nn.Embedding)]
    return max((index + 1 for index in padding if index is not None), default=0)
