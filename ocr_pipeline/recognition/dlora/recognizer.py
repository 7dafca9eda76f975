"""Reading crops with a VisionEncoderDecoderModel: loading it, with or without adapters, and generating text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoTokenizer, GenerationConfig, VisionEncoderDecoderModel, ViTImageProcessorPil
from transformers.utils import cached_file
from transformers.utils.logging import disable_progress_bar, get_verbosity, set_verbosity, set_verbosity_error

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models import place_of
from ocr_pipeline.models.sizes import demand_sizes
from ocr_pipeline.recognition.dlora.adapters import load_adapters, merge_adapters
from ocr_pipeline.recognition.dlora.base import Base
from ocr_pipeline.recognition.dlora.bases import base_of, demand_base
from ocr_pipeline.recognition.dlora.data import IGNORED
from ocr_pipeline.recognition.dlora.fitting import make_positions, must_fit
from ocr_pipeline.recognition.dlora.four_bits import keep_trainable
from ocr_pipeline.recognition.dlora.loss import decoder_inputs
from ocr_pipeline.recognition.dlora.saved_adapters import ADAPTERS, has_adapters
from ocr_pipeline.recognition.images import to_input
from ocr_pipeline.recognition.interface import GREEDY, Decoding, Reading
from ocr_pipeline.recognition.pieces import is_read_whole, read_in_pieces
from ocr_pipeline.recognition.pretrained import found, loaded_from, model_fingerprint
from ocr_pipeline.recognition.text import end_tokens
from ocr_pipeline.storage.files.given_pictures import GivenPicture, rgb_pixels


def load_base(name_or_path: str | Path, *, processors: str | Path | None = None, quantised: Any = None) -> Base:
    """Load a model from a folder, the Hugging Face hub or this package, and what goes with it or is in ``processors``.

    Args:
        quantised: how (``four_bits``); None loads the weights in full.

    Raises:
        PipelineError: there is no such model.
    """
    place = found(name_or_path)
    own = place_of(processors) if processors else place
    hub: Any = VisionEncoderDecoderModel
    disable_progress_bar()  # it redraws itself hundreds of times in the logs of a run
    with loaded_from("the base model", name_or_path), _without_report():
        demand_sizes(_folder_of(place))
        model, report = hub.from_pretrained(
            place,
            dtype=torch.float32,
            quantization_config=quantised,
            output_loading_info=True,
            trust_remote_code=False,
        )
    tokenizer, images = _processors(own)
    _must_be_whole(report["missing_keys"], name_or_path)
    _must_be_used(report["unexpected_keys"], name_or_path)
    make_positions(model)
    if quantised:
        keep_trainable(model)
    _complete(model.config, model.generation_config, tokenizer)
    model.generation_config = _plain(model.config)
    model.name_or_path = name = _lasting(name_or_path)  # peft writes it down with the adapters
    return Base(name, model, tokenizer, images)


def _processors(place: str) -> tuple[Any, Any]:
    """Tokenizer and image processor of a base, or of a checkpoint that brings its own."""
    with loaded_from("the tokenizer or the image processor", place):
        demand_sizes(place)
        tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
        # whatever older checkpoints call its kind
        return tokenizer, ViTImageProcessorPil.from_pretrained(place, trust_remote_code=False)


@contextmanager
def _without_report() -> Iterator[None]:
    """Transformers tells at length of weights that were not used or are made up; what of it matters is told here."""
    verbosity = get_verbosity()
    set_verbosity_error()
    try:
        yield
    finally:
        set_verbosity(verbosity)


def _folder_of(place: str) -> Path:
    """Where the configuration of a base lies here; that of one on the hub is fetched first."""
    return Path(place) if Path(place).is_dir() else Path(str(cached_file(place, "config.json"))).parent


def _lasting(name_or_path: str | Path) -> str:
    """What a base is called in checkpoints: of a folder the whole path, which holds from any other folder too."""
    is_folder = place_of(name_or_path) == str(name_or_path) and Path(name_or_path).is_dir()
    return str(Path(name_or_path).absolute()) if is_folder else str(name_or_path)


def load_merged(checkpoint: str | Path, base: str | Path | None = None) -> Base:
    """A whole model as it is; of adapters their base, with them merged into it.

    Args:
        base: what the adapters were trained on; None asks them.

    Raises:
        PipelineError: base or checkpoint cannot be loaded, or do not belong together.
    """
    folder = Path(checkpoint)
    if not has_adapters(folder):
        if folder.is_dir() and not (folder / "config.json").is_file():
            raise PipelineError(
                f"this is no DLoRA checkpoint ({' and '.join(ADAPTERS)} are missing)",
                where=folder,
                remedy="Give a checkpoint-N folder of train-dlora, or a whole model.",
            )
        return _fitting(load_base(checkpoint))
    own = folder if (folder / "tokenizer_config.json").is_file() else None
    loaded = _fitting(load_base(base or base_of(folder), processors=own))
    demand_base(folder, loaded.name, loaded.fingerprint)
    return replace(loaded, model=merge_adapters(load_adapters(loaded.model, folder)))


def _fitting(base: Base) -> Base:
    must_fit(base)
    return base


class Recognizer:
    """Reads batches of crops; confidence is the geometric mean of the tokens' probabilities, the end included.

    Args:
        base: where tokenizer, image processor and limits come from.
        model: what reads: the base's model, or one that wraps it or was merged from it.
    """

    def __init__(self, base: Base, model: Any, decoding: Decoding = GREEDY) -> None:
        self.model, self.codec, self.images, self.decoding = model, base.codec, base.images, decoding
        self.widest = base.widest
        self._generation, self._ends = generation_config(base, decoding), base.ends
        self._generation.update(output_scores=True, return_dict_in_generate=True)

    @property
    def fingerprint(self) -> str:
        return model_fingerprint(self.model, self.images, self.decoding, self.codec.fingerprint, self.widest)

    def read_crops(self, crops: Sequence[GivenPicture]) -> list[Reading]:
        """The texts of crops of any size: paths, bytes of files, PIL images, or uint8 [H, W] grey, [H, W, 3] RGB or
        [H, W, 4] RGBA. Those wider than the base was taught are read in pieces.

        Raises:
            PipelineError: one of them is none of these.
        """
        return read_in_pieces(self._read_all, [rgb_pixels(crop) for crop in crops], self.widest) if len(crops) else []

    def _read_all(self, crops: Sequence[np.ndarray], batch: int) -> list[Reading]:
        resized = [self.images.resize(crop) for crop in crops]
        starts = range(0, len(resized), batch)
        return [reading for start in starts for reading in self.read(np.stack(resized[start : start + batch]))]

    @torch.inference_mode()
    def read(self, pixels: np.ndarray | Tensor) -> list[Reading]:
        """The texts of crops, uint8 [B, height, width, 3] RGB in the size of ``images``."""
        was_training = self.model.training
        self.model.eval()
        source = to_input(torch.as_tensor(pixels), self.images, self.model.device).to(self.model.dtype)
        output = self.model.generate(pixel_values=source, generation_config=self._generation)
        self.model.train(was_training)
        return [
            Reading(self.codec.decode(tokens), confidence)
            for tokens, confidence in zip(output.sequences.tolist(), self._confidences(output), strict=True)
        ]

    @torch.inference_mode()
    def score_texts(self, crops: Sequence[GivenPicture], texts: Sequence[str]) -> list[float]:
        """The logarithm of how probable it is that a crop says just this text, for each pair of the two.

        What the decoder has no positions for is cut off, as in training. NaN of a crop that is read in pieces: squeezed
        into one picture it would be judged by what nobody reads.
        """
        if not len(crops):
            return []
        config, given = self.model.config, [rgb_pixels(crop) for crop in crops]
        pixels = torch.as_tensor(np.stack([self.images.resize(crop) for crop in given]))
        source = to_input(pixels, self.images, self.model.device).to(self.model.dtype)
        labels = self._labels(texts).to(self.model.device)
        inputs = decoder_inputs(labels, config.decoder_start_token_id, config.pad_token_id)
        said = self.model(pixel_values=source, decoder_input_ids=inputs).logits.float().log_softmax(-1)
        chosen = said.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
        scores = chosen.masked_fill(labels == IGNORED, 0).sum(1).tolist()
        return [s if is_read_whole(crop, self.widest) else math.nan for s, crop in zip(scores, given, strict=True)]

    def _labels(self, texts: Sequence[str]) -> Tensor:
        """Token ids [B, T] that the decoder has to say, as in training; padded."""
        tokens = [torch.tensor(self.codec.encode(text)[: self._generation.max_length - 1]) for text in texts]
        return pad_sequence(tokens, batch_first=True, padding_value=IGNORED)

    def _confidences(self, output: Any) -> list[float]:
        scores = self.model.compute_transition_scores(
            output.sequences, output.scores, getattr(output, "beam_indices", None), normalize_logits=True
        ).float()
        tokens = output.sequences[:, -scores.shape[1] :]
        ended = torch.isin(tokens, torch.tensor(self._ends, device=tokens.device)).long()
        counts = ended.cumsum(1) - ended == 0  # up to the end token and with it
        return scores.masked_fill(~counts, 0).sum(1).div(counts.sum(1)).exp().tolist()


def generation_config(base: Base, decoding: Decoding) -> GenerationConfig:
    """All that a base may have set for itself (ko-trocr: beams, penalties, length 16) is set here."""
    config = base.model.config
    return GenerationConfig(
        max_length=min(decoding.longest, base.positions),
        max_new_tokens=None,
        min_length=0,
        num_beams=decoding.beams,
        do_sample=False,
        early_stopping=decoding.beams > 1,
        length_penalty=decoding.length_penalty,
        repetition_penalty=decoding.repetition_penalty,
        no_repeat_ngram_size=decoding.no_repeat_ngram,
        decoder_start_token_id=config.decoder_start_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
    )


def _must_be_whole(missing: Iterable[str], place: str | Path) -> None:
    """Weights that a file lacks would be made up at random; only the pooler, which nothing here uses, may be."""
    lost = sorted(name for name in missing if ".pooler." not in name)
    if lost:
        raise PipelineError(
            f"{len(lost)} weights of the model are not in its file ({lost[0]} is the first); they would be random",
            where=place,
            remedy="The last folder of older training programs is like this (the model was saved with its adapters "
            "still around it): give the original base, and a checkpoint-N folder as the checkpoint.",
        )


def _must_be_used(unexpected: Iterable[str], place: str | Path) -> None:
    """A model that is built with fewer layers than it has weights for would read nonsense."""
    left = sorted(name for name in unexpected if re.search(r"\.(layers?|h|blocks)\.\d+\.", name))
    if left:
        raise PipelineError(
            f"config.json asks for fewer layers than the model's file has ({left[0]} is the first weight too many)",
            where=place,
            remedy="Take model and config.json from one base.",
        )


def _complete(config: Any, generation: Any, tokenizer: Any) -> None:
    """Set the token ids that a checkpoint left to its generation settings or to its tokenizer."""
    end = next(iter(end_tokens(tokenizer)), None)
    for name, *own in (
        ("decoder_start_token_id", tokenizer.cls_token_id, tokenizer.bos_token_id, end),
        ("eos_token_id", end),
        ("pad_token_id", tokenizer.pad_token_id, end),  # GPT-2 has none: labels are masked, and nothing else is read
    ):
        known = (getattr(config, name, None), getattr(generation, name, None), *own)
        setattr(config, name, next((value for value in known if value is not None), None))


def _plain(config: Any) -> GenerationConfig:
    """Generation settings without what a base has set for itself; what ours leave open would be filled from there."""
    return GenerationConfig(
        decoder_start_token_id=config.decoder_start_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
    )
