"""Whether a base model can say the labels it is to learn, told by its tokenizer alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from transformers import AutoTokenizer

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.recognition.crops import Crops
from ocr_pipeline.recognition.pretrained import found, loaded_from
from ocr_pipeline.recognition.text import Coverage, TextCodec


def label_coverage(base: str | Path, paths: Sequence[str | Path], *, samples: int = 2000, seed: int = 42) -> Coverage:
    """What the tokenizer of ``base`` makes of labels drawn evenly from recognition data; the model is not loaded.

    Raises:
        PipelineError: there is no such model, or the data cannot be opened.
    """
    with loaded_from("the tokenizer of the base model", base):
        codec = TextCodec(AutoTokenizer.from_pretrained(found(base), trust_remote_code=False))
    crops = Crops([CropReader(path) for path in paths])
    return codec.coverage(crops.text(index) for index in crops.spread(samples, seed))
