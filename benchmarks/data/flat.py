"""How much memory each stage takes for few and for many pages.

    python -m benchmarks.data.flat [FEW] [MANY]

Each stage runs in a process of its own; the pages are small (320x200, eight words), because it is their number that
matters here.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from benchmarks.data.memory import peak
from benchmarks.data.pages import Box, write_pages
from ocr_pipeline.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.datasets import source_partition
from ocr_pipeline.lookup import build_lookup
from ocr_pipeline.merged_json import merge_labels
from ocr_pipeline.storage.share import Share
from ocr_pipeline.storage.workspace import Workspace

PARTITION = "public_admin_train"


def main(few: int = 1000, many: int = 20_000) -> None:
    """Measure and print a line for each stage."""
    found = [_peaks(few), _peaks(many)]
    for name in found[0]:
        sys.stdout.write(f"{name:20} {found[0][name]:5} MB at {few:,} pages, {found[1][name]:5} MB at {many:,}\n")


def merge(share: Path, out: Path) -> None:
    merge_labels(Share(share), source_partition(PARTITION), Workspace(out), workers=2)


def lookup(share: Path, out: Path) -> None:
    build_lookup(Share(share), source_partition(PARTITION), Workspace(out))


def lmdb(share: Path, out: Path) -> None:
    build_annotations(Share(share), source_partition(PARTITION), Workspace(out), AnnotationSettings("lmdb"), workers=2)


def jsonl(share: Path, out: Path) -> None:
    build_annotations(Share(share), source_partition(PARTITION), Workspace(out), AnnotationSettings("jsonl"), workers=2)


STAGES: dict[str, Callable[[Path, Path], None]] = {
    "merged_json": merge,
    "lookup": lookup,
    "annotations, lmdb": lmdb,
    "annotations, jsonl": jsonl,
}


def _peaks(pages: int) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as folder:
        share, out = Path(folder) / "share", Path(folder) / "out"
        write_pages(share, pages, [_small_page(seed) for seed in range(16)])
        return {name: peak(stage, share, out) for name, stage in STAGES.items()}


def _small_page(seed: int) -> tuple[bytes, list[Box]]:
    grey = np.random.default_rng(seed).integers(200, 256, (200, 320, 3), dtype=np.uint8)
    boxes = [(10 + 150 * (number % 2), 8 + 46 * (number // 2), 120, 36) for number in range(8)]
    return cv2.imencode(".jpg", grey)[1].tobytes(), boxes


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
