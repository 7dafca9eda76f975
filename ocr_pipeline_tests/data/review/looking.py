"""Readers and finders whose answers are known, over small hand-made shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ocr_pipeline.data.datasets import SourcePartition, source_partition
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.data.review import Readers, SuspectSettings, find_label_suspects
from ocr_pipeline.storage.artifacts.manifest import Manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

KEY = "handwriting_train"
HAND = source_partition(KEY)


@dataclass
class Parrot:
    """Reads every crop as the same text, and says how many it was shown."""

    text: str = "가나"
    fingerprint: str = "parrot"
    shown: int = 0
    before: Callable[[], None] = field(default=lambda: None)

    def read_crops(self, crops: Sequence[np.ndarray]) -> list[tuple[str, float]]:
        self.before()
        self.shown += len(crops)
        return [(self.text, 0.9)] * len(crops)


@dataclass
class Pointer:
    """Finds one word at the same place of every page."""

    quad: tuple = ((40, 20), (58, 20), (58, 38), (40, 38))
    fingerprint: str = "pointer"

    def detect(self, picture: np.ndarray) -> list[tuple[np.ndarray, float]]:
        return [(np.array(self.quad, np.int32), 0.9)]


def search(
    share: Path, workspace: Workspace, reader: Parrot, partition: SourcePartition = HAND, finder: Pointer | None = None
) -> Manifest:
    """The search of a share, with its stages before."""
    source = Share(share)
    merge_labels(source, partition, workspace, workers=1)
    build_lookup(source, partition, workspace)
    readers = Readers({"parrot": reader}, finder)
    return find_label_suspects(source, partition, workspace, readers, SuspectSettings())
