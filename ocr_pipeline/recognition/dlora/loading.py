"""What is ours to load: a checkpoint with adapters, a whole VisionEncoderDecoderModel, or one on the hub."""

from __future__ import annotations

from pathlib import Path

import torch

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models import place_of
from ocr_pipeline.recognition.dlora.recognizer import Recognizer, load_merged
from ocr_pipeline.recognition.dlora.saved_adapters import has_adapters
from ocr_pipeline.recognition.interface import DEFAULT, Loading
from ocr_pipeline.recognition.pretrained import architecture, may_be_on_the_hub
from ocr_pipeline.training.device import chosen_device

CHECKPOINT = "a checkpoint-N folder of train-dlora or a VisionEncoderDecoderModel (TrOCR)"


def owns(path: str | Path) -> bool:
    """Whether adapters or a VisionEncoderDecoderModel lie there; what is no path here, but spelled ``owner/name``, is
    taken for one on the hub."""
    folder = Path(place_of(path))
    if not folder.exists():
        return may_be_on_the_hub(str(path))
    return has_adapters(folder) or architecture(folder) == "vision-encoder-decoder"


def load(path: str | Path, how: Loading = DEFAULT) -> Recognizer:
    """The model, with its adapters merged into it, ready to read; on CUDA in bfloat16 where there is such.

    Raises:
        PipelineError: base or checkpoint cannot be loaded, or do not belong together; the device is not there.
    """
    device, precision = chosen_device(how.device), how.precision
    if precision not in ("auto", "float32", "bfloat16"):
        raise PipelineError("no such precision", where=precision, remedy="Choose auto, float32 or bfloat16.")
    if precision == "auto":
        precision = "bfloat16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "float32"
    merged = load_merged(path, how.base)
    return Recognizer(merged, merged.model.to(device, getattr(torch, precision)), how.decoding)
