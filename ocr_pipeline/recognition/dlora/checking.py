"""A look at a base before anybody trains it: what it is made of, and whether its parts fit."""

from __future__ import annotations

from pathlib import Path

from ocr_pipeline.recognition.dlora.adapters import target_modules
from ocr_pipeline.recognition.dlora.base import Base
from ocr_pipeline.recognition.dlora.recognizer import load_merged
from ocr_pipeline.recognition.dlora.saved_adapters import ADAPTERS
from ocr_pipeline.recognition.text import Coverage

SAMPLE = ("서울특별시 강남구", "10,000원", "Hello, world", "값 닭 앉다", "㎡ ½ #1 ##")
"""What Korean labels are like: syllables, figures, Latin letters, final clusters, signs."""


def check_base(name_or_path: str | Path) -> dict[str, object]:
    """What a base is made of; loading it to read looks at whether its parts fit.

    Raises:
        PipelineError: it cannot be loaded, its parts do not fit, or there is no place for adapters.
    """
    base = load_merged(name_or_path)
    config, images, said = base.model.config, base.images, base.codec.coverage(SAMPLE)
    return {
        "encoder": config.encoder.model_type,
        "decoder": config.decoder.model_type,
        "parameters": f"{base.model.num_parameters():,}",
        "input": f"{images.height} x {images.width} pixels",
        "tokenizer": f"{type(base.tokenizer).__name__}, {len(base.tokenizer):,} tokens, text as {base.codec.form}",
        "start, end, padding": f"{config.decoder_start_token_id}, {base.ends}, {config.pad_token_id}",
        "longest text": f"{base.positions} tokens",
        "places for adapters": _places(base),
        "Korean": _said(said),
    }


def _places(base: Base) -> str:
    return ", ".join(f"{len(target_modules(base.model, adapter))} for {adapter}" for adapter in ADAPTERS)


def _said(coverage: Coverage) -> str:
    if not coverage.changed:
        return f"all {coverage.labels} samples come back as they went in"
    return "; ".join(f"{label!r} comes back as {said!r}" for label, said in coverage.lost)
