"""Reading crops with a VisionEncoderDecoderModel: loading it, with or without adapters, and generating text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from transformers import AutoTokenizer, GenerationConfig, VisionEncoderDecoderModel, ViTImageProcessorPil
from transformers.utils.logging import disable_progress_bar

from ocr_pipeline.dlora.adapters import ADAPTERS, load_adapters, merge_adapters
from ocr_pipeline.dlora.data import to_input
from ocr_pipeline.dlora.images import ImageFormat
from ocr_pipeline.dlora.text import TextCodec
from ocr_pipeline.errors import PipelineError


class Reading(NamedTuple):
    """A text in NFC, and the geometric mean of its tokens' probabilities (its end included)."""

    text: str
    confidence: float


@dataclass(frozen=True)
class Base:
    """A model with its tokenizer and image processor, in full precision on the CPU."""

    model: Any
    tokenizer: Any
    image_processor: Any

    @cached_property
    def codec(self) -> TextCodec:
        return TextCodec(self.tokenizer)

    @cached_property
    def images(self) -> ImageFormat:
        return ImageFormat.of(self.image_processor)

    @property
    def positions(self) -> int:
        """The longest sequence of tokens that the decoder has positions for."""
        decoder = self.model.config.decoder
        reserved = decoder.pad_token_id + 1 if "roberta" in decoder.model_type else 0  # RoBERTa counts from there
        return decoder.max_position_embeddings - reserved

    def save_processors(self, folder: Path) -> None:
        self.tokenizer.save_pretrained(str(folder))
        self.image_processor.save_pretrained(str(folder))


def load_base(name_or_path: str | Path, *, processors: str | Path | None = None) -> Base:
    """Load a model from a folder or the Hugging Face hub; tokenizer and image processor too, or from ``processors``.

    Raises:
        PipelineError: there is no such model.
    """
    place = str(processors or name_or_path)
    disable_progress_bar()  # it redraws itself hundreds of times in the logs of a run
    try:
        model = VisionEncoderDecoderModel.from_pretrained(str(name_or_path), dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(place)
        images = ViTImageProcessorPil.from_pretrained(place)  # whatever older checkpoints call its kind
    except (OSError, ValueError) as error:
        raise PipelineError(
            f"the base model cannot be loaded ({str(error).splitlines()[0]})",
            where=name_or_path,
            remedy="Give the folder of a VisionEncoderDecoderModel with its processor, or its name on the hub.",
        ) from error
    _complete(model.config, model.generation_config, tokenizer)
    return Base(model, tokenizer, images)


def base_of(checkpoint: Path) -> str:
    """The base model that a DLoRA checkpoint was trained on.

    Raises:
        PipelineError: the checkpoint does not say.
    """
    path = checkpoint / ADAPTERS[0] / "adapter_config.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, KeyError) as error:
        raise PipelineError(
            "the checkpoint does not name its base model", where=path, remedy="Give the base model yourself."
        ) from error


def load_recognizer(
    base: str | Path, checkpoint: str | Path | None = None, *, device: str = "auto", longest: int = 64, beams: int = 1
) -> Recognizer:
    """A recogniser that is ready to read: the base, with the adapters of ``checkpoint`` merged into it.

    Raises:
        PipelineError: base or checkpoint cannot be loaded, or do not belong together; the device is not there.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise PipelineError("this machine offers no CUDA", where=f"device {device}", remedy="Choose the device cpu.")
    folder = Path(checkpoint) if checkpoint else None
    if folder and not all((folder / adapter).is_dir() for adapter in ADAPTERS):
        raise PipelineError(
            f"this is no DLoRA checkpoint ({' and '.join(ADAPTERS)} are missing)",
            where=folder,
            remedy="Give a checkpoint-N folder of train_dlora, or leave it out to read with the base alone.",
        )
    own = folder if folder and (folder / "tokenizer_config.json").is_file() else None
    loaded = load_base(base, processors=own)
    model = merge_adapters(load_adapters(loaded.model, folder)) if folder else loaded.model
    return Recognizer(loaded, model.to(device), longest=longest, beams=beams)


class Recognizer:
    """Reads batches of crops.

    Args:
        base: where tokenizer, image processor and limits come from.
        model: what reads: the base's model, or one that wraps it or was merged from it.
        longest: the most tokens of one text; the decoder's positions bound it.
        beams: 1 reads greedily.
    """

    def __init__(self, base: Base, model: Any, *, longest: int = 64, beams: int = 1) -> None:
        self.model, self.codec, self.images = model, base.codec, base.images
        config = base.model.config
        # All that a base may have set for itself (ko-trocr: beams, penalties, length 16) is set here.
        self._generation = GenerationConfig(
            max_length=min(longest, base.positions),
            max_new_tokens=None,
            min_length=0,
            num_beams=beams,
            do_sample=False,
            early_stopping=beams > 1,
            length_penalty=1.0,
            repetition_penalty=1.0,
            no_repeat_ngram_size=0,
            decoder_start_token_id=config.decoder_start_token_id,
            eos_token_id=config.eos_token_id,
            pad_token_id=config.pad_token_id,
            output_scores=True,
            return_dict_in_generate=True,
        )

    @torch.inference_mode()
    def read(self, pixels: np.ndarray | Tensor) -> list[Reading]:
        """The texts of crops, uint8 [B, height, width, 3] RGB in the size of ``images``."""
        was_training = self.model.training
        self.model.eval()
        source = to_input(torch.as_tensor(pixels), self.images, self.model.device)
        output = self.model.generate(pixel_values=source, generation_config=self._generation)
        self.model.train(was_training)
        return [
            Reading(self.codec.decode(tokens), confidence)
            for tokens, confidence in zip(output.sequences.tolist(), self._confidences(output), strict=True)
        ]

    def _confidences(self, output: Any) -> list[float]:
        scores = self.model.compute_transition_scores(
            output.sequences, output.scores, getattr(output, "beam_indices", None), normalize_logits=True
        ).float()
        tokens = output.sequences[:, -scores.shape[1] :]
        ended = (tokens == self._generation.eos_token_id).long()
        counts = ended.cumsum(1) - ended == 0  # up to the end token and with it
        return scores.masked_fill(~counts, 0).sum(1).div(counts.sum(1)).exp().tolist()


def _complete(config: Any, generation: Any, tokenizer: Any) -> None:
    """Set the token ids that a checkpoint left to its generation settings or to its tokenizer."""
    for name, own in (
        ("decoder_start_token_id", tokenizer.cls_token_id),
        ("eos_token_id", tokenizer.eos_token_id if tokenizer.eos_token_id is not None else tokenizer.sep_token_id),
        ("pad_token_id", tokenizer.pad_token_id),
    ):
        known = (getattr(config, name, None), getattr(generation, name, None), own)
        setattr(config, name, next((value for value in known if value is not None), None))
