"""How often each character was there to be learnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ocr_pipeline.data.datasets import EVERY_PARTITION
from ocr_pipeline.data.quality import read_quality
from ocr_pipeline.storage.artifacts.workspace import Workspace


def learnt_syllables(workspace: Workspace) -> Mapping[str, int]:
    """By the quality of all training partitions that are measured; empty where none is."""
    known: Counter[str] = Counter()
    for key, partition in EVERY_PARTITION.items():
        path = workspace.quality(key)
        if partition.split != "valid" and path.exists():
            known.update(read_quality(path).characters)
    return known
