"""What the user chooses about crops, checked before any work begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from ocr_pipeline.data.annotations.filters import TextFilter, read_charset
from ocr_pipeline.data.geometry import Margin
from ocr_pipeline.data.picture_size import MostPixels, OtherSize
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.settings import Setting, Settings, recorded
from ocr_pipeline.storage.files.pictures import MOST_PIXELS

OutputFormat = Literal["jsonl", "lmdb"]
CropShape = Literal["box", "quad"]
ExifPolicy = Literal["ignore", "apply"]
_WIDER = "readers other than this program see up to 15 pixels more at the left and top of a crop"

Codec = Literal["jpeg", "jpeg-lossless", "png", "webp"]


@dataclass(frozen=True)
class AnnotationSettings(Settings):
    """What the user chooses about the crops of words.

    Raises:
        PipelineError: a value cannot be, or two of them exclude each other.
    """

    output_format: Annotated[
        OutputFormat, Setting("Form of the artifact.", env="FAST_OUTPUT_FORMAT", blank_counts=True)
    ] = "jsonl"
    max_pages: Annotated[
        int | None, Setting("Only the first pages of each split, for a trial.", env="FAST_MAX_SAMPLES", least=1)
    ] = None
    crop: Annotated[CropShape, Setting("box cuts the upright box around a word; quad rectifies its four corners.")] = (
        "box"
    )
    margin: Annotated[str, Setting("Around each word: pixels (4), or a share of its shorter side (10%).")] = "0"
    min_size: Annotated[int, Setting("Leave out words with a side of fewer pixels.", least=0)] = 1
    exif: Annotated[
        ExifPolicy,
        Setting("ignore where labels count stored pixels; apply where they count those of the upright picture."),
    ] = "ignore"
    other_size: OtherSize = "aside"
    max_pixels: MostPixels = MOST_PIXELS
    codec: Annotated[
        Codec,
        Setting(
            f"Of the crops; jpeg-lossless takes them out of JPEG pages without encoding them again: {_WIDER}.",
        ),
    ] = "jpeg"
    quality: Annotated[int, Setting("Of jpeg and webp.", least=1, most=100)] = 95
    min_chars: Annotated[int, Setting("Leave out shorter labels.", least=0)] = 1
    max_chars: Annotated[int | None, Setting("Leave out longer labels.", least=0)] = None
    charset: Annotated[
        Path | None,
        Setting("Leave out labels with a character that is not in this UTF-8 file (blanks may always occur)."),
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        Margin.parse(self.margin)
        if self.codec == "jpeg-lossless" and self.crop == "quad":
            raise PipelineError(
                "a rectified crop cannot be taken over without encoding it",
                where="codec=jpeg-lossless, crop=quad",
                remedy="Use crop=box, or another codec (png loses nothing either).",
            )

    def text_filter(self) -> TextFilter:
        return TextFilter(self.min_chars, self.max_chars, read_charset(self.charset) if self.charset else None)

    def recorded(self) -> dict[str, Any]:
        """What decides the crops, for their shards: of the character set its content, not where it lies."""
        characters = "".join(sorted(read_charset(self.charset))) if self.charset else None
        chosen = {**recorded(self), "charset": characters}
        del chosen["output_format"]
        if self.codec == "jpeg-lossless":
            chosen["other_readers"] = _WIDER
        return chosen

    def recorded_in(self, root: Path, output_format: OutputFormat) -> dict[str, Any]:
        """What decides an artifact, for its manifest: a JSONL names its crops by where they lie.

        Args:
            root: the output folder.
        """
        return self.recorded() | ({"place": str(root)} if output_format == "jsonl" else {})
