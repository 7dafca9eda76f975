"""A recognizer of ko-trocr's kind for words: convolutions, then transformers, all of it known to ``transformers``.

The encoder is DPT's hybrid: a BiT ResNet down to an eighth of the picture, then ViT layers on its 4 rows of columns.
Convolutions see strokes from the first step on, where patches must learn that first, with four times the crops.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    BertConfig,
    BitConfig,
    DPTConfig,
    TrOCRProcessor,
    VisionEncoderDecoderConfig,
    VisionEncoderDecoderModel,
    ViTImageProcessorPil,
)

from ocr_pipeline.recognition.pretraining.recipe import Architecture
from ocr_pipeline.recognition.pretraining.tokenizer import END, PAD, START, jamo_tokenizer

SLOTS = 3  # letters that one column may tell of: a syllable is up to three


def new_network(size: Architecture, vocabulary: int) -> VisionEncoderDecoderModel:
    """A model with random weights for pictures of ``size.height`` times ``size.width`` pixels."""
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(_encoder(size), _decoder(size, vocabulary))
    config.decoder_start_token_id, config.eos_token_id, config.pad_token_id = START, END, PAD
    config.widest_crop = size.widest
    model: Any = VisionEncoderDecoderModel(config)
    generation = model.generation_config
    generation.decoder_start_token_id, generation.eos_token_id, generation.pad_token_id = START, END, PAD
    generation.max_length = size.longest
    side = math.isqrt((size.height // size.stride) * (size.width // size.stride))
    with torch.no_grad():
        embeddings = model.encoder.embeddings.position_embeddings
        embeddings[0, 1:] = _places(side, size.hidden)
        model.decoder.bert.embeddings.position_embeddings.weight.copy_(_waves(size.longest, size.hidden))
    return model


def new_processor(size: Architecture) -> TrOCRProcessor:
    """Image processor and tokenizer as one, as TrOCR checkpoints hold them."""
    shape = {"height": size.height, "width": size.width}
    images = ViTImageProcessorPil(size=shape, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    return TrOCRProcessor(image_processor=images, tokenizer=jamo_tokenizer())


class Columns(nn.Module):
    """Reads the text off the encoder's columns; needed no longer when pre-training is over."""

    def __init__(self, size: Architecture, vocabulary: int) -> None:
        super().__init__()
        self.rows = size.height // size.stride
        self.letters = nn.Linear(self.rows * size.hidden, SLOTS * vocabulary)

    def forward(self, seen: Tensor) -> Tensor:
        """Of the encoder's output [B, 1 + rows x columns, hidden] the letters [B, columns x SLOTS, vocabulary]."""
        batch, _, hidden = seen.shape
        grid = seen[:, 1:].reshape(batch, self.rows, -1, hidden).transpose(1, 2)
        letters = self.letters(grid.flatten(2))
        return letters.reshape(batch, grid.shape[1] * SLOTS, -1)


def ctc_loss(columns: Tensor, labels: Tensor) -> Tensor:
    """Loss of reading the text off columns (Graves et al. 2006), [B, places, vocabulary]; [PAD] serves as blank.

    It makes the encoder look at letters long before the decoder has learned where to look.
    """
    letters = (labels >= 0) & (labels != END)
    return F.ctc_loss(
        columns.float().log_softmax(-1).transpose(0, 1),
        labels[letters],
        torch.full((len(columns),), columns.shape[1]),
        letters.sum(1),
        zero_infinity=True,
    )


def _encoder(size: Architecture) -> DPTConfig:
    shape = [size.height, size.width]
    kind: Any = BitConfig
    convolutions = kind(
        layer_type="bottleneck",
        embedding_size=size.stem,
        hidden_sizes=list(size.stages),
        depths=list(size.depths),
        num_groups=8,
        output_stride=size.stride,
        global_padding="same",
        out_features=["stage1", "stage2", "stage3"],
    )
    return DPTConfig(
        is_hybrid=True,
        image_size=shape,
        patch_size=size.stride,
        backbone_config=convolutions,
        backbone_featmap_shape=[1, size.stages[-1], *(side // size.stride for side in shape)],
        hidden_size=size.hidden,
        intermediate_size=3 * size.hidden,
        num_hidden_layers=size.encoder_layers,
        num_attention_heads=size.heads,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.06,  # the usual 0.02 is for widths of 768; the spread goes with 1 / sqrt(width)
    )


def _decoder(size: Architecture, vocabulary: int) -> BertConfig:
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=size.hidden,
        intermediate_size=3 * size.hidden,
        num_hidden_layers=size.decoder_layers,
        num_attention_heads=size.heads,
        max_position_embeddings=size.longest,
        type_vocab_size=1,
        is_decoder=True,
        add_cross_attention=True,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.06,
    )


def _waves(count: int, width: int, scale: float = 0.3) -> Tensor:
    """Sinusoidal positions [count, width] as a start for learned ones (Vaswani et al. 2017, 3.5)."""
    angles = torch.arange(count)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(1000.0) / width))
    return scale * torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


def _places(side: int, width: int) -> Tensor:
    """Row and column of a square grid, half of the width each [side * side, width]; the encoder stretches the grid."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    waves = _waves(side, width // 2)
    return torch.cat([waves[rows.flatten()], waves[columns.flatten()]], dim=1)
