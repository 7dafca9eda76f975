"""A recogniser of ko-trocr's kind, small enough to train on a laptop.

A ViT encoder whose patches are one column slice each (a word is wide, and read from left to right), and a BERT decoder
that writes jamo, so that every syllable can be said.
"""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    PreTrainedTokenizerFast,
    TrOCRProcessor,
    VisionEncoderDecoderConfig,
    VisionEncoderDecoderModel,
    ViTConfig,
    ViTImageProcessorPil,
)

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
PAD, UNKNOWN, START, END = range(4)
CONJOINING_JAMO = [*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A8, 0x11C3)]  # modern ones, as NFD gives
COMPATIBILITY_JAMO = [*range(0x3131, 0x3164)]
SYMBOLS = "°±·×÷‘’“”…※→←↑↓○●◎□■△▲▽▼◇◆☆★、。「」『』【】~₩℃㎏㎜㎝㎞㎡㎥㎖ℓ①②③④⑤⑥⑦⑧⑨⑩㈜"
HANJA = (
    "郎山川水人民大韓國美日月金銀行道路法令印稅市郡面里長部課號年文書公告男女甲乙家門天地春秋東西南北"
    "一二三四五六七八九十百千萬上中下左右前後內外新舊高低正誤有無出入火木土王子父母"
)

HEIGHT, WIDTH, PATCH_WIDTH = 32, 128, 4
HIDDEN, HEADS, ENCODER_LAYERS, DECODER_LAYERS, LONGEST = 160, 4, 5, 2, 64


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """One token per jamo or character, spaces included, so that decoding gives back exactly what was encoded (NFD)."""
    letters = [chr(code) for code in [*range(0x20, 0x7F), *CONJOINING_JAMO, *COMPATIBILITY_JAMO]]
    symbols = [symbol for symbol in SYMBOLS + HANJA if symbol not in letters]
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *letters, *symbols])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=SPECIAL[UNKNOWN]))
    tokenizer.normalizer = normalizers.NFD()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {SPECIAL[END]}", special_tokens=[(SPECIAL[END], END)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=SPECIAL[PAD],
        unk_token=SPECIAL[UNKNOWN],
        cls_token=SPECIAL[START],
        sep_token=SPECIAL[END],
    )


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
    return TrOCRProcessor(image_processor=images, tokenizer=tiny_tokenizer())


def save_tiny(folder: Path, model: VisionEncoderDecoderModel, processor: TrOCRProcessor) -> None:
    """Save everything that ``from_pretrained`` needs, the weights in half precision as ko-trocr's are."""
    copy.deepcopy(model).half().save_pretrained(folder)
    processor.save_pretrained(folder)


def _waves(count: int, width: int, scale: float = 0.3) -> torch.Tensor:
    """Sinusoidal positions [count, width] as a start for learned ones (Vaswani et al. 2017, 3.5)."""
    angles = torch.arange(count)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(1000.0) / width))
    return scale * torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
