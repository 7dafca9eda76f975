"""What each asset is, in Korean, below its English description; Dagster's names and tags take no Hangul."""

from __future__ import annotations

from inspect import cleandoc

from ocr_pipeline.data.datasets import DATASETS
from ocr_pipeline.storage.artifacts.stages import Stage

SETS = ", ".join(f"{dataset.title} (`{dataset.name}`)" for dataset in DATASETS)


def in_both_languages(stage: Stage, english: str) -> str:
    """The description of an asset: English, then Korean; of a partitioned one with the sets' own names."""
    sets = f" 데이터셋: {SETS}." if stage.each else ""
    return f"{cleandoc(english)}\n\n{stage.korean}{sets}"
