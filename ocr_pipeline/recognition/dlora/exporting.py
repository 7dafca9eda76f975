"""A trained recognizer as ONNX: an encoder that looks, and a decoder that says the next token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ocr_pipeline.recognition.dlora.base import Base
from ocr_pipeline.recognition.dlora.recognizer import load_merged
from ocr_pipeline.recognition.images import ImageFormat, to_input
from ocr_pipeline.storage.files.onnx_files import must_be_able_to_export, write_onnx
from ocr_pipeline.storage.files.publishing import publish_folder
from ocr_pipeline.storage.files.typed_paths import claim

ENCODER, DECODER = "encoder.onnx", "decoder.onnx"


def export_onnx(
    checkpoint: Path, output: Path, *, base: str | Path | None = None, longest: int = 64, overwrite: bool = False
) -> dict[str, str]:
    """Merge a checkpoint into its base and publish ``output`` with ``encoder.onnx``, ``decoder.onnx`` and processors.

    The encoder takes ``pixels`` uint8 RGB (N, height, width, 3) to ``states``; the decoder takes ``tokens`` int64
    (N, T) and ``states`` to the ``logits`` (N, vocabulary) of the token that follows. N and T are free. Reading
    greedily with both says what the recognizer says; how, and with which tokens, stands in the metadata of both.

    Args:
        base: the base model; None asks the checkpoint.
        longest: the most tokens that a reader should ask for; it goes into the metadata.
        overwrite: replace what stands at ``output``.

    Returns:
        The metadata.

    Raises:
        PipelineError: base or checkpoint cannot be used, ``output`` is not free, or the packages of the extra
            ``export`` are not installed.
    """
    claim(output, inputs=(checkpoint, *([base] if base else [])), overwrite=overwrite)
    must_be_able_to_export("export-dlora")
    merged = load_merged(checkpoint, base)
    images, facts = merged.images, _facts(merged, longest)
    pixels = torch.zeros((2, images.height, images.width, 3), dtype=torch.uint8)
    with torch.inference_mode():
        states = _Encoder(merged.model.encoder.eval(), images)(pixels)
    tokens = torch.full((2, 3), merged.model.config.decoder_start_token_id)
    with publish_folder(output) as draft:
        write_onnx(draft / ENCODER, _Encoder(merged.model.encoder, images), {"pixels": (pixels, (0,))}, "states", facts)
        inputs = {"tokens": (tokens, (0, 1)), "states": (states.clone(), (0,))}
        metadata = write_onnx(draft / DECODER, _Decoder(merged.model), inputs, "logits", facts)
        merged.save_processors(draft)
    return metadata


class _Encoder(nn.Module):
    """Pixels as they are read, so that nobody can normalise them otherwise."""

    def __init__(self, encoder: Any, images: ImageFormat) -> None:
        super().__init__()
        self.encoder, self.images = encoder, images

    def forward(self, pixels: Tensor) -> Tensor:
        return self.encoder(pixel_values=to_input(pixels, self.images, pixels.device)).last_hidden_state


class _Decoder(nn.Module):
    """The logits of the next token alone, from all tokens so far; no cache goes in and out."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.decoder = model.decoder
        self.widened = getattr(model, "enc_to_dec_proj", nn.Identity())  # where the two halves differ in width

    def forward(self, tokens: Tensor, states: Tensor) -> Tensor:
        states = self.widened(states)
        return self.decoder(input_ids=tokens, encoder_hidden_states=states, use_cache=False).logits[:, -1]


def _facts(merged: Base, longest: int) -> dict[str, object]:
    config, images = merged.model.config, merged.images
    return {
        "model": "VisionEncoderDecoder, adapters merged",
        "input": "uint8 RGB, N x height x width x 3; normalisation is part of the model",
        "input.resize": f"to {images.height} x {images.width} without regard to the aspect ratio, Pillow's filter "
        f"{images.resample} (2 is bilinear)",
        "input.height": images.height,
        "input.width": images.width,
        "reading": "tokens begin with the start token; append the token of the highest logit until all texts have "
        "ended or are of the longest length",
        "text": "as tokenizer.json decodes, word pieces (##) without spaces beside punctuation, in NFC",
        "token.start": config.decoder_start_token_id,
        "token.end": merged.ends[0],
        "token.pad": config.pad_token_id,
        "longest": min(longest, merged.positions),
    }
