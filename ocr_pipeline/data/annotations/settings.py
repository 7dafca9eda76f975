"""What the user chooses about crops, checked before any work begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from ocr_pipeline.data.annotations.filters import TextFilter, read_charset
from ocr_pipeline.data.annotations.geometry import Margin
from ocr_pipeline.errors import PipelineError

OutputFormat = Literal["jsonl", "lmdb"]
CropShape = Literal["box", "quad"]
ExifPolicy = Literal["ignore", "apply"]
Codec = Literal["jpeg", "jpeg-lossless", "png", "webp"]


@dataclass(frozen=True)
class AnnotationSettings:
    """What the user chooses.

    Attributes:
        output_format: ``FAST_OUTPUT_FORMAT`` of the guide.
        max_pages: Only the first pages of each split (``FAST_MAX_SAMPLES``), for a trial.
        crop: box cuts the upright box around a word; quad rectifies its four corners.
        margin: Around each word: pixels (4), or a share of its shorter side (10%).
        min_size: Leave out words with a side of fewer pixels.
        exif: ignore where labels count stored pixels; apply where they count those of the upright picture.
        codec: Of the crops; jpeg-lossless takes them out of JPEG pages without encoding them again.
        quality: Of jpeg and webp, 1 to 100.
        min_chars: Leave out shorter labels.
        max_chars: Leave out longer labels.
        charset: Leave out labels with a character that is not in this UTF-8 file (blanks may always occur).

    Raises:
        PipelineError: a value is none of those that are named, or two of them exclude each other.
    """

    output_format: OutputFormat = "lmdb"
    max_pages: int | None = None
    crop: CropShape = "box"
    margin: str = "0"
    min_size: int = 1
    exif: ExifPolicy = "ignore"
    codec: Codec = "jpeg"
    quality: int = 95
    min_chars: int = 1
    max_chars: int | None = None
    charset: Path | None = None

    def __post_init__(self) -> None:
        _one_of(self.output_format, OutputFormat, "FAST_OUTPUT_FORMAT", "output format")
        _one_of(self.crop, CropShape, "crop", "crop")
        _one_of(self.exif, ExifPolicy, "exif", "EXIF policy")
        _one_of(self.codec, Codec, "codec", "codec")
        Margin.parse(self.margin)
        if not 1 <= self.quality <= 100:
            raise PipelineError(f"{self.quality} is no quality", where="quality", remedy="Set it from 1 to 100.")
        if self.codec == "jpeg-lossless" and self.crop == "quad":
            raise PipelineError(
                "a rectified crop cannot be taken over without encoding it",
                where="codec=jpeg-lossless, crop=quad",
                remedy="Use crop=box, or another codec (png loses nothing either).",
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], default: OutputFormat = "jsonl") -> AnnotationSettings:
        """Settings from the guide's variables.

        Raises:
            PipelineError: a value is none of those the guide names.
        """
        chosen = environment.get("FAST_OUTPUT_FORMAT", default).lower()
        limit = environment.get("FAST_MAX_SAMPLES", "")
        if limit and not limit.isdecimal():
            raise PipelineError(f"{limit!r} is no number", where="FAST_MAX_SAMPLES", remedy="Set a number of pages.")
        return cls(chosen, int(limit) if limit else None)  # type: ignore[arg-type]

    def text_filter(self) -> TextFilter:
        return TextFilter(self.min_chars, self.max_chars, read_charset(self.charset) if self.charset else None)

    def recorded(self) -> dict[str, Any]:
        """What decides the crops, for the manifest: of the character set its content, not where it lies."""
        characters = "".join(sorted(read_charset(self.charset))) if self.charset else None
        chosen = {**asdict(self), "charset": characters}
        del chosen["output_format"]
        return chosen


def _one_of(value: str, choices: Any, where: str, what: str) -> None:
    if value not in get_args(choices):
        raise PipelineError(f"{value!r} is no {what}", where=where, remedy=f"Set it to {_spoken(get_args(choices))}.")


def _spoken(choices: tuple[str, ...]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}"
