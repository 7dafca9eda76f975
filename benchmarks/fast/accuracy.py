"""The score of a detector by the ICDAR 2015 rules.

``python -m benchmarks.fast.accuracy CHECKPOINT FOLDER [CONFIG] [PRECISION]``

The folder holds layout LMDBs, or pictures with a ``det_labels.jsonl``: a line for each, ``{"image": path below the
folder, "words": [{"poly": [[x, y], ...]}, ...]}``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from ocr_pipeline.evaluation import Truth, score_detections
from ocr_pipeline.fast import read_config
from ocr_pipeline.fast.data import Pages, labelled_areas
from ocr_pipeline.fast.detector import Detector
from ocr_pipeline.fast.maps.pictures import Picture, read_rgb
from ocr_pipeline.fast.settings import Precision


def pages_of_lmdbs(folder: Path) -> Iterator[tuple[str, Picture, list[Truth]]]:
    """Name of the LMDB, picture and words of each page."""
    for path in sorted(folder.glob("*_layout.lmdb")):
        pages = Pages([path])
        for number in range(len(pages)):
            picture, record = pages.read(number)
            yield path.name, picture, [Truth(*area) for area in zip(*labelled_areas(record), strict=True)]


def labelled_pictures(folder: Path) -> Iterator[tuple[str, Picture, list[Truth]]]:
    """Name, picture and words of each line of ``det_labels.jsonl``."""
    for line in (folder / "det_labels.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        picture = read_rgb((folder / entry["image"]).read_bytes(), entry["image"])
        yield entry["image"], picture, [Truth(word["poly"]) for word in entry["words"]]


def main(checkpoint: str, folder_name: str, config: str = "", precision: Precision = "float32") -> None:
    """One line for each LMDB or picture, and one for all; without a configuration that of the checkpoint counts."""
    torch.set_num_threads(1)
    folder = Path(folder_name)
    detector = Detector(Path(checkpoint), read_config(Path(config)) if config else None, "cpu", precision)
    labelled = (folder / "det_labels.jsonl").is_file()
    results: dict[str, tuple[list, list]] = {}
    began = time.perf_counter()
    for name, picture, truths in labelled_pictures(folder) if labelled else pages_of_lmdbs(folder):
        found = [box.polygon for box in detector.detect(picture)]
        for group in (name, "all"):
            predictions, expected = results.setdefault(group, ([], []))
            predictions.append(found)
            expected.append(truths)
    for name, (predictions, expected) in sorted(results.items(), key=lambda item: item[0] == "all"):
        score = score_detections(predictions, expected)
        sys.stdout.write(
            f"{name}: hmean {score.hmean:.3f}, precision {score.precision:.3f}, recall {score.recall:.3f} "
            f"({score.matched} of {score.words} words, {score.detections} boxes)\n"
        )
    sys.stdout.write(f"{precision}, {time.perf_counter() - began:.1f} s\n")


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]
