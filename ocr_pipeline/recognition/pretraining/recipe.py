"""What a pre-training is made with; ``recipe.yaml`` beside this module is the one that made the shipped recognizer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ocr_pipeline.errors import PipelineError

STANDARD = Path(__file__).with_name("recipe.yaml")

Size = Annotated[int, Meta(ge=1, le=8192)]
Layers = Annotated[int, Meta(ge=1, le=200)]
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=1, le=2**32 - 1)]
Positive = Annotated[float, Meta(gt=0, le=1e9)]


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

    height: Size = 32
    width: Size = 128
    stride: Size = 8
    stem: Size = 32
    stages: tuple[Size, Size, Size] = (64, 128, 256)
    depths: tuple[Layers, Layers, Layers] = (1, 2, 3)
    hidden: Size = 192
    heads: Size = 4
    encoder_layers: Layers = 3
    decoder_layers: Layers = 2
    longest: Size = 64
    widest: Positive = 5.0


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
        seed, clean, hands, signs, lines, upright, syllables: of the drawing (``CropDrawing``).
        easy: crops drawn clean at the beginning, before all looks come.
        corpus: text files or hunspell dictionaries with words of one's own; those that are not there are left out.
        judge_minutes, judge_words: how often the held-out faces are read, and how many words of each kind.
    """

    architecture: Architecture = Architecture()
    start_from: str = ""
    mixed: Share = 0.0
    minutes: Positive = 90.0
    steps: Count = 1_000_000
    batch: Annotated[int, Meta(ge=1, le=65_536)] = 48
    learning_rate: Positive = 1e-3
    warm_up: Count = 300
    weight_decay: Annotated[float, Meta(ge=0, le=100)] = 0.02
    clip: Positive = 2.0
    ctc_share: Annotated[float, Meta(ge=0, le=1e9)] = 0.4
    averaged: Share = 0.999
    bfloat16: bool = False
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 1
    clean: Share = 0.25
    hands: Share = 0.34
    signs: Share = 0.16
    lines: Share = 0.0
    upright: Share = 0.0
    syllables: Share = 0.0
    easy: Annotated[int, Meta(ge=0)] = 10_000
    corpus: tuple[str, ...] = ()
    judge_minutes: Positive = 5.0
    judge_words: Count = 200


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
            f"the recipe cannot be read ({error})",
            where=", ".join([str(path), *(f"--set {name}={value}" for name, value in changes.items())]),
            remedy="Compare it with the recipe that is shipped.",
        ) from error
