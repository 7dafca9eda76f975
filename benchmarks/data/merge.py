"""Merging label files against ``json.load`` of each and one ``json.dump``.

python -m benchmarks.data.merge [FILES] [ROUNDS] [FOLDER]
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from functools import partial
from pathlib import Path

from benchmarks.data.labels import write_labels
from benchmarks.data.memory import peak
from benchmarks.measuring import compare, kept_and_scratch, report
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

PARTITION = "public_admin_train"


def main(files: int = 20_000, rounds: int = 3, folder: str = "") -> None:
    """Measure and report."""
    with kept_and_scratch(folder) as (kept, scratch):
        root, out = write_labels(kept / f"labels-{files}", files), scratch / "out"
        variants = {
            "json.load each, one json.dump": partial(by_hand, root, out),
            "the same, words only": partial(by_hand_words_only, root, out),
            "merged_json, one process": partial(stage, root, out, 1),
            "merged_json, two processes": partial(stage, root, out, 2),
        }
        peer, _, _, ours = variants

        def before() -> None:
            shutil.rmtree(out, ignore_errors=True)
            os.sync()  # or a variant waits for what the one before it wrote

        memory(root, write_labels(kept / "labels-1000", 1000), out)
        measured = compare(variants, rounds, before)
        report("merge of label files", measured, "files", {ours: (peer, 9)})


def memory(root: Path, few: Path, out: Path) -> None:
    """Peaks, from a process that is still small itself: what it starts inherits its peak."""
    for name, work, where in (
        ("json.load each, one json.dump", by_hand, root),
        ("merged_json, two processes", stage, root),
        ("merged_json, two processes, 1,000 files", stage, few),
    ):
        shutil.rmtree(out, ignore_errors=True)
        sys.stdout.write(f"  {name}: {peak(work, where, out)} MB at most\n")


def by_hand(root: Path, out: Path) -> int:
    """What a hand-written script does: everything in two lists, then one document."""
    merged: dict[str, list] = {"images": [], "annotations": []}
    paths = sorted(root.rglob("*.json"))
    for path in paths:
        with path.open(encoding="utf-8") as file:
            document = json.load(file)
        merged["images"] += document["images"]
        merged["annotations"] += document["annotations"]
    _dump(merged, out)
    return len(paths)


def by_hand_words_only(root: Path, out: Path) -> int:
    """The same, keeping of each word its text and box only."""
    merged: dict[str, list] = {"images": [], "annotations": []}
    paths = sorted(root.rglob("*.json"))
    for number, path in enumerate(paths):
        with path.open(encoding="utf-8") as file:
            document = json.load(file)
        image = document["images"][0]
        size = {"width": image["image.width"], "height": image["image.height"]}
        merged["images"].append({"id": number, "file_name": image["image.file.name"], **size})
        merged["annotations"] += [
            {"image_id": number, "text": word["annotation.text"], "bbox": word["annotation.bbox"]}
            for word in document["annotations"]
        ]
    _dump(merged, out)
    return len(paths)


def _dump(merged: dict[str, list], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with (out / "merged.json").open("w", encoding="utf-8") as file:
        json.dump(merged, file, ensure_ascii=False)


def stage(root: Path, out: Path, workers: int = 2) -> int:
    """The stage, with everything that it checks, counts and writes."""
    partition = source_partition(PARTITION)
    return merge_labels(Share(root), partition, Workspace(out), workers=workers).counts.pages_out


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
