"""Crops to an LMDB against the limit of the machine: decoding and encoding in memory, with as many threads.

python -m benchmarks.data.crops_lmdb [PAGES] [ROUNDS]
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks.data.pages import write_share
from benchmarks.measuring import compare, report
from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.lookup import build_lookup, load_lookup
from ocr_pipeline.data.merged_json import merge_labels, read_pages
from ocr_pipeline.parallel import Processes
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

PARTITION = source_partition("public_admin_train")
WORKERS = 2
Encoded = tuple[bytes, list[tuple[int, int, int, int]]]


def main(pages: int = 480, rounds: int = 3) -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as folder:
        share, workspace = prepare(Path(folder), pages)
        encoded = load(share, workspace)
        variants = {
            "decode and encode in memory (the limit)": partial(limit, encoded),
            "annotations, lmdb": partial(stage, share, workspace, AnnotationSettings("lmdb")),
            "annotations, lmdb, jpeg-lossless": partial(
                stage, share, workspace, AnnotationSettings("lmdb", codec="jpeg-lossless")
            ),
        }
        peer, ours, lossless = variants
        measured = compare(variants, rounds, partial(forget, workspace))
        report("crops to LMDB, two cores", measured, "crops", {ours: (peer, 0.90), lossless: (peer, 1.2)})


def prepare(root: Path, pages: int) -> tuple[Share, Workspace]:
    """A share of made-up scans, merged and looked up."""
    share, workspace = Share(write_share(root / "share", pages)), Workspace(root / "out")
    merge_labels(share, PARTITION, workspace)
    build_lookup(share, PARTITION, workspace)
    return share, workspace


def load(share: Share, workspace: Workspace) -> list[Encoded]:
    """The encoded pages and their boxes, in memory."""
    lookup, found = load_lookup(workspace, PARTITION), []
    for page in read_pages(workspace.merged_json(PARTITION.key), PARTITION):
        corners = [(word.quad[0], word.quad[2]) for word in page.words]
        boxes = [(int(left), int(top), int(right), int(bottom)) for (left, top), (right, bottom) in corners]
        found.append((share.read(share.below_root(str(lookup.find(page)))), boxes))
    return found


def limit(encoded: list[Encoded]) -> int:
    """Decode each page, encode each crop, keep nothing."""
    cv2.setNumThreads(1)
    with ThreadPoolExecutor(WORKERS) as executor:
        return sum(executor.map(_crop_in_memory, encoded))


def _crop_in_memory(page: Encoded) -> int:
    data, boxes = page
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    for left, top, right, bottom in boxes:
        cv2.imencode(".jpg", pixels[top:bottom, left:right], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    return len(boxes)


def stage(share: Share, workspace: Workspace, settings: AnnotationSettings) -> int:
    """The stage, from merged JSON, lookup and picture files to the published artifact."""
    (manifest,) = build_annotations(share, PARTITION, workspace, settings, crew=Processes(WORKERS))
    return manifest.counts.words_out


def forget(workspace: Workspace) -> None:
    """Remove what an earlier run has made."""
    for path in [*workspace.root.glob("*_annotations_*"), workspace.root / "crops"]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for store in (workspace.root / ".shards").glob("*_annotations_*"):
        shutil.rmtree(store)
    os.sync()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
