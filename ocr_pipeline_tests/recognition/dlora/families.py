"""Tiny bases with random weights, one of each family that people use, made on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    CamembertConfig,
    DeiTConfig,
    DonutSwinConfig,
    DPTConfig,
    GPT2Config,
    HieraConfig,
    MBartConfig,
    PreTrainedTokenizerFast,
    RobertaConfig,
    SwinConfig,
    TrOCRConfig,
    VisionEncoderDecoderConfig,
    VisionEncoderDecoderModel,
    ViTConfig,
    ViTImageProcessorPil,
)

SIZE = 64, 64
_SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
_SWIN = {"image_size": 64, "patch_size": 4, "embed_dim": 16, "depths": [1, 1], "num_heads": [2, 2], "window_size": 4}
_BART = {"d_model": 32, "decoder_layers": 2, "decoder_attention_heads": 4, "decoder_ffn_dim": 64}
ENCODERS: dict[str, Any] = {
    "vit": lambda: ViTConfig(image_size=64, patch_size=16, **_SMALL),
    "deit": lambda: DeiTConfig(image_size=64, patch_size=16, **_SMALL),
    "dpt": lambda: DPTConfig(image_size=64, patch_size=16, **_SMALL),
    "swin": lambda: SwinConfig(**_SWIN),
    "donut": lambda: DonutSwinConfig(**_SWIN),
    "hiera": lambda: HieraConfig(
        image_size=[64, 64],
        embed_dim=16,
        depths=[1, 1],
        num_heads=[1, 2],
        query_stride=[2, 2],
        num_query_pool=1,
        masked_unit_size=[8, 8],
        masked_unit_attention=[True, False],
    ),
}
DECODERS: dict[str, Any] = {
    "bert": lambda ids: BertConfig(**_SMALL, **ids),
    "roberta": lambda ids: RobertaConfig(**_SMALL, **ids),
    "camembert": lambda ids: CamembertConfig(**_SMALL, **ids),
    "trocr": lambda ids: TrOCRConfig(**_BART, **ids),
    "trocr_sinusoidal": lambda ids: TrOCRConfig(
        **_BART, **ids, use_learned_position_embeddings=False, scale_embedding=True
    ),
    "mbart": lambda ids: MBartConfig(**_BART, **ids),
    "gpt2": lambda ids: GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=48, **ids),
}


def byte_pairs(ends: bool = True) -> PreTrainedTokenizerFast:
    """RoBERTa's kind of tokenizer, with a piece "##" as GPT-2's has it; ``ends``: it adds <s> and </s>."""
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet()), "##"]
    inner = Tokenizer(models.BPE({token: number for number, token in enumerate(tokens)}, [], unk_token="<unk>"))
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    named = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    if ends:
        template = {"single": "<s> $A </s>", "special_tokens": [("<s>", 0), ("</s>", 2)]}
        inner.post_processor = processors.TemplateProcessing(**template)
        named |= {"pad_token": "<pad>", "cls_token": "<s>", "sep_token": "</s>"}
    return PreTrainedTokenizerFast(tokenizer_object=inner, **named)


def make_base(
    folder: Path, encoder: str = "vit", decoder: str = "bert", *, vocabulary: int | None = None, size: Any = SIZE
) -> Path:
    """A whole folder, as ``from_pretrained`` takes it.

    Args:
        vocabulary: tokens that the decoder knows, instead of the tokenizer's.
        size: what the image processor makes of a crop, (height, width) pixels.
    """
    torch.manual_seed(0)
    tokenizer = byte_pairs(ends=decoder != "gpt2")
    ids = {"vocab_size": vocabulary or len(tokenizer), "bos_token_id": 0, "eos_token_id": 2, "is_decoder": True}
    ids |= {"add_cross_attention": True, "max_position_embeddings": 48, "pad_token_id": 1}
    if decoder == "gpt2":
        del ids["max_position_embeddings"], ids["pad_token_id"]
    text = DECODERS[decoder](ids)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(ENCODERS[encoder](), text)
    if decoder.startswith(("trocr", "mbart")):
        config.decoder.cross_attention_hidden_size = config.encoder.hidden_size
    model: Any = VisionEncoderDecoderModel(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    ViTImageProcessorPil(size={"height": size[0], "width": size[1]}, resample=2).save_pretrained(folder)
    return folder
