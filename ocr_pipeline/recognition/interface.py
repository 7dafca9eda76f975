"""What every recognizer offers, so that another can take its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from ocr_pipeline.storage.files.given_pictures import GivenPicture


class Reading(NamedTuple):
    """A text in NFC, and how sure the model is of it, from 0 to 1 (each model by its own measure)."""

    text: str
    confidence: float


class TextRecognizer(Protocol):
    """Reads crops of one word or line each."""

    @property
    def fingerprint(self) -> str:
        """Of all that a reading depends on, weights and settings: a run that was killed goes on with the same only."""
        ...

    def read_crops(self, crops: Sequence[GivenPicture]) -> list[Reading]:
        """The texts of crops of any size, in their order; of none none.

        Args:
            crops: paths, bytes of files, PIL images, or uint8 [H, W] grey, [H, W, 3] RGB or [H, W, 4] RGBA.
        """
        ...


@runtime_checkable
class TextScorer(Protocol):
    """What a recognizer may offer besides: how well a text that somebody else wrote fits a crop."""

    def score_texts(self, crops: Sequence[GivenPicture], texts: Sequence[str]) -> list[float]:
        """The logarithm of how probable it is that a crop says just this text, for each pair of the two.

        NaN where it cannot tell.
        """
        ...


@dataclass(frozen=True)
class Decoding:
    """How a model that writes token by token generates; the defaults change nothing that the model says.

    Attributes:
        longest: the most tokens of one text; the decoder's positions bound it.
        beams: 1 reads greedily.
        repetition_penalty: above 1, tokens that were said already become less likely.
        no_repeat_ngram: no run of so many tokens is said twice; 0 allows it (3 would forbid '학교 학생' in jamo).
        length_penalty: with beams, above 0 favours longer texts.
    """

    longest: int = 64
    beams: int = 1
    repetition_penalty: float = 1.0
    no_repeat_ngram: int = 0
    length_penalty: float = 1.0


GREEDY = Decoding()


@dataclass(frozen=True)
class Loading:
    """How a recognizer is made ready to read.

    Attributes:
        device: cpu, gpu (= cuda) or cuda:1; auto is a GPU where there is one.
        precision: float32 or bfloat16; auto is the recognizer's own choice for the device.
        base: the model that adapters were trained on; None asks them. What holds no adapters needs none.
        decoding: for a model that writes token by token.
    """

    device: str = "auto"
    precision: str = "auto"
    base: str | Path | None = None
    decoding: Decoding = GREEDY


DEFAULT = Loading()
