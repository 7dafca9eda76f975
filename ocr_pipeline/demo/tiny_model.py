"""A recognizer of ko-trocr's kind, small enough to train on a laptop.

A ViT encoder whose patches are one column slice each (a word is wide, and read from left to right), and a BERT decoder
that writes jamo, so that every syllable can be said.
"""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import torch
from transformers import (
    BertConfig,
    TrOCRProcessor,
    VisionEncoderDecoderConfig,
    VisionEncoderDecoderModel,
    ViTConfig,
    ViTImageProcessorPil,
)

from ocr_pipeline.recognition.pretraining.tokenizer import END, PAD, START, jamo_tokenizer

HEIGHT, WIDTH, PATCH_WIDTH = 32, 128, 4
HIDDEN, HEADS, ENCODER_LAYERS, DECODER_LAYERS, LONGEST = 160, 4, 5, 2, 64


def tiny_model(
    vocabulary: int,
    *,
    image: tuple[int, int] = (HEIGHT, WIDTH),
    hidden: int = HIDDEN,
    encoder_layers: int = ENCODER_LAYERS,
    decoder_layers: int = DECODER_LAYERS,
) -> VisionEncoderDecoderModel:
    """A model with random weights for images of (height, width) pixels."""
    shared: dict[str, Any] = {
        "hidden_size": hidden,
        "intermediate_size": 3 * hidden,
        "num_attention_heads": HEADS,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "initializer_range": 0.06,  # the usual 0.02 is for widths of 768; the spread goes with 1 / sqrt(width)
    }
    encoder = ViTConfig(
        image_size=image, patch_size=(image[0], PATCH_WIDTH), num_hidden_layers=encoder_layers, **shared
    )
    decoder = BertConfig(
        vocab_size=vocabulary,
        num_hidden_layers=decoder_layers,
        max_position_embeddings=LONGEST,
        type_vocab_size=1,
        is_decoder=True,
        add_cross_attention=True,
        **shared,
    )
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    config.decoder_start_token_id, config.eos_token_id, config.pad_token_id = START, END, PAD
    model: Any = VisionEncoderDecoderModel(config)
    generation = model.generation_config
    generation.decoder_start_token_id, generation.eos_token_id, generation.pad_token_id = START, END, PAD
    generation.max_length = LONGEST
    with torch.no_grad():
        model.encoder.embeddings.position_embeddings[0, 1:] = _waves(image[1] // PATCH_WIDTH, hidden)
        model.decoder.bert.embeddings.position_embeddings.weight.copy_(_waves(LONGEST, hidden))
    return model


def tiny_processor(image: tuple[int, int] = (HEIGHT, WIDTH)) -> TrOCRProcessor:
    """Image processor and tokenizer as one, as TrOCR checkpoints hold them."""
    size = {"height": image[0], "width": image[1]}
    images = ViTImageProcessorPil(size=size, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    return TrOCRProcessor(image_processor=images, tokenizer=jamo_tokenizer())


def save_tiny(folder: Path, model: VisionEncoderDecoderModel, processor: TrOCRProcessor) -> None:
    """Save everything that ``from_pretrained`` needs, the weights in half precision as ko-trocr's are."""
    copy.deepcopy(model).half().save_pretrained(folder)
    processor.save_pretrained(folder)


def _waves(count: int, width: int, scale: float = 0.3) -> torch.Tensor:
    """Sinusoidal positions [count, width] as a start for learned ones (Vaswani et al. 2017, 3.5)."""
    angles = torch.arange(count)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(1000.0) / width))
    return scale * torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
