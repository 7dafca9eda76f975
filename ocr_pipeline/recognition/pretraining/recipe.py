"""What a pre-training is made with; ``recipe.yaml`` beside this module is the one that made the shipped recognizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ocr_pipeline.errors import PipelineError

STANDARD = Path(__file__).with_name("recipe.yaml")


class Architecture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sizes of a network (``network.new_network``).

    Attributes:
        height, width: of the picture in pixels, 1 to 4.
        stride: pixels of a column and of a row, as the transformer sees them.
        stem, stages, depths: channels of the first convolution and of the three stages after it, and their blocks.
        hidden, heads, encoder_layers, decoder_layers: of the transformers.
        longest: tokens of a text.
        widest: crop that is read as it is, in heights; one that is wider is read in pieces (``recognition.pieces``).
    """

    height: int = 32
    width: int = 128
    stride: int = 8
    stem: int = 32
    stages: tuple[int, int, int] = (64, 128, 256)
    depths: tuple[int, int, int] = (1, 2, 3)
    hidden: int = 192
    heads: int = 4
    encoder_layers: int = 3
    decoder_layers: int = 2
    longest: int = 64
    widest: float = 5.0


class Pretraining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One pre-training.

    Attributes:
        architecture: what is trained.
        start_from: a shipped base's name, or a folder of an earlier pre-training's model of this architecture, whose
            weights this one begins with; empty: it begins anew.
        mixed: the share of the weights it began with in what is written: what they knew is kept better.
        minutes, steps: it ends with whichever comes first, and the learning rate has run its course by then.
        batch: crops of a step.
        learning_rate, warm_up: the highest rate, and the steps up to it.
        weight_decay, clip: of AdamW, and of the gradient's norm.
        ctc_share: weight of the loss by columns, which shows the encoder its letters early on.
        averaged: the decay of the averaged weights, which are what is saved.
        bfloat16: compute in bfloat16; only where the processor has instructions for it is that faster.
        seed, clean, hands, signs, lines, upright: of the drawing (``CropDrawing``).
        easy: crops drawn clean at the beginning, before all looks come.
        corpus: text files or hunspell dictionaries with words of one's own; those that are not there are left out.
        judge_minutes, judge_words: how often the held-out faces are read, and how many words of each kind.
    """

    architecture: Architecture = Architecture()
    start_from: str = ""
    mixed: float = 0.0
    minutes: float = 90.0
    steps: int = 1_000_000
    batch: int = 48
    learning_rate: float = 1e-3
    warm_up: int = 300
    weight_decay: float = 0.02
    clip: float = 2.0
    ctc_share: float = 0.4
    averaged: float = 0.999
    bfloat16: bool = False
    seed: int = 1
    clean: float = 0.25
    hands: float = 0.34
    signs: float = 0.16
    lines: float = 0.0
    upright: float = 0.0
    easy: int = 10_000
    corpus: tuple[str, ...] = ()
    judge_minutes: float = 5.0
    judge_words: int = 200


def read_recipe(path: Path, changes: dict[str, Any]) -> Pretraining:
    """The recipe in a YAML file, with some fields changed.

    Raises:
        PipelineError: it is not there, or a field is not known or of another kind.
    """
    try:
        said = msgspec.yaml.decode(path.read_bytes()) or {}
        return msgspec.convert({**said, **changes}, Pretraining, strict=False)
    except (OSError, msgspec.MsgspecError) as error:
        raise PipelineError(
            f"the recipe cannot be read ({error})", where=path, remedy="Compare it with the recipe that is shipped."
        ) from error
