"""Our detector beside others on the same labelled pictures, by words and by coverage.

``python -m benchmarks.peers.detection FOLDER --ours CHECKPOINT --peer craft=PYTHON --peer rapidocr=PYTHON``

``FOLDER`` holds ``det_labels.jsonl``, a line for each picture: ``{"image": path below the folder, "words": [{"poly":
[[x, y], ...]}, ...]}``. ``PYTHON`` is the interpreter of an environment in which that peer is installed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import shapely
import torch

from ocr_pipeline.evaluation import Truth, score_detections
from ocr_pipeline.fast.detector import Detector
from ocr_pipeline.fast.maps.pictures import read_rgb

THEIRS = Path(__file__).with_name("their_detectors.py")
COVERED = 0.7
"""Share of a word's area that has to lie under boxes for it to count as covered: peers that find lines find it too."""

RESAMPLINGS = 2000

Polygon = list[list[float]]


class Found(NamedTuple):
    """Boxes of each picture, in the pictures' order, and the seconds that finding them took in all."""

    boxes: list[list[Polygon]]
    seconds: float
    versions: str


class Pictures(NamedTuple):
    paths: list[Path]
    words: list[list[Polygon]]


def labelled_pictures(folder: Path) -> Pictures:
    """The pictures of ``det_labels.jsonl`` and the corners of their words."""
    lines = (folder / "det_labels.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    words = [[word["poly"] for word in entry["words"]] for entry in entries]
    return Pictures([folder / entry["image"] for entry in entries], words)


def ours(checkpoint: Path, pictures: Sequence[Path]) -> Found:
    """Boxes of one of our checkpoints, with the configuration in it."""
    detector, boxes = Detector(checkpoint, device="cpu"), list[list[Polygon]]()
    began = time.perf_counter()
    for path in pictures:
        found = detector.detect(read_rgb(path.read_bytes(), path))
        boxes.append([box.polygon.tolist() for box in found])
    return Found(boxes, time.perf_counter() - began, f"FAST {detector.network.variant}")


def theirs(name: str, python: str, pictures: Sequence[Path]) -> Found:
    """Boxes of a peer, which runs in its own environment."""
    command = [python, str(THEIRS), name, *map(str, pictures)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    head, *pages = (json.loads(line) for line in output if line.startswith("{"))
    versions = ", ".join(f"{package} {number}" for package, number in head["versions"].items())
    return Found([page["boxes"] for page in pages], sum(page["seconds"] for page in pages), versions)


def covered_words(boxes: Sequence[Polygon], words: Sequence[Polygon]) -> int:
    """How many of the words lie under the boxes of one picture."""
    under = shapely.union_all([shapely.Polygon(box).buffer(0) for box in boxes if len(box) > 2])
    shapes = [shapely.Polygon(word).buffer(0) for word in words]
    return sum(under.intersection(word).area >= COVERED * word.area for word in shapes)


def hmean(found: Found, pictures: Pictures, chosen: Sequence[int]) -> float:
    """Word hmean (ICDAR 2015) over the chosen pictures."""
    truths = [[Truth(word) for word in pictures.words[number]] for number in chosen]
    return score_detections([found.boxes[number] for number in chosen], truths).hmean


def coverage(found: Found, pictures: Pictures, chosen: Sequence[int]) -> float:
    """Share of covered words over the chosen pictures."""
    counts = [covered_words(found.boxes[number], pictures.words[number]) for number in chosen]
    return sum(counts) / sum(len(pictures.words[number]) for number in chosen)


def interval(score: Callable[[Sequence[int]], float], count: int) -> tuple[float, float]:
    """95 % interval of a score: pictures drawn anew with replacement, because words of one picture are alike."""
    random = np.random.default_rng(0)
    scores = [score(random.integers(count, size=count).tolist()) for _ in range(RESAMPLINGS)]
    low, high = np.quantile(scores, (0.025, 0.975))
    return float(low), float(high)


def report(results: Mapping[str, Found], pictures: Pictures) -> str:
    """A line of a table for each detector."""
    lines = ["| detector | word hmean (95 %) | words covered (95 %) | boxes | seconds | versions |", "|" + " --- |" * 6]
    every = list(range(len(pictures.paths)))
    words = sum(map(len, pictures.words))
    for name, found in results.items():
        cells = [name]
        for score in (hmean, coverage):
            low, high = interval(lambda chosen, s=score, f=found: s(f, pictures, chosen), len(every))
            value = score(found, pictures, every)
            shown = f"{value:.3f}" if score is hmean else f"{round(value * words)} of {words}"
            cells.append(f"{shown} ({low:.3f}-{high:.3f})")
        cells += [str(sum(map(len, found.boxes))), f"{found.seconds:.1f}", found.versions]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.detection")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ours", type=Path, action="append", default=[], help="a checkpoint of FAST")
    parser.add_argument("--peer", action="append", default=[], help="NAME=PYTHON")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    pictures = labelled_pictures(given.folder)
    results = {f"ours, {path.parent.name}/{path.name}": ours(path, pictures.paths) for path in given.ours}
    for name, python in (peer.split("=", 1) for peer in given.peer):
        results[name] = theirs(name, python, pictures.paths)
    sys.stdout.write(f"{len(pictures.paths)} pictures\n{report(results, pictures)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
