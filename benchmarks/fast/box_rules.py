"""Which box rules suit a detector: every combination of a grid on labelled pages, each page through the network once.

``python -m benchmarks.fast.box_rules CHECKPOINT LAYOUT_LMDB --kernel_logit 1 2 3 --box_growth 0 0.2 0.4``
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from ocr_pipeline.data.layout_lmdb import LayoutReader
from ocr_pipeline.evaluation import Truth, are_covered, score_detections
from ocr_pipeline.fast.detector import Detector, rules_of
from ocr_pipeline.fast.maps.pictures import fit_page, read_rgb
from ocr_pipeline.fast.maps.postprocess import BoxRules, Map, find_boxes

GRID = {"kernel_logit": (0.0, 1.0, 1.5, 2.0, 2.5, 3.0), "box_growth": (0.0, 0.1, 0.2, 0.3, 0.4), "min_score": (0.7,)}


class Seen(NamedTuple):
    """A page as the network saw it: its kernel logits, its (height, width), and its words."""

    logits: Map
    size: tuple[int, int]
    words: list[Truth]


def seen_pages(detector: Detector, path: Path) -> list[Seen]:
    """All pages of a layout LMDB."""
    reader, pages = LayoutReader(path), list[Seen]()
    for index in range(len(reader)):
        image, record = reader.read(index)
        picture = read_rgb(image, path)
        logits = detector.logits([fit_page(picture, detector.config.short_size)])[0].astype(np.float16)
        words = [Truth(word.quad, word.state == "ignore") for word in record.words]
        pages.append(Seen(logits, (picture.shape[0], picture.shape[1]), words))
    return pages


def row(rules: BoxRules, pages: Sequence[Seen]) -> str:
    """What these rules reach."""
    found = [
        [box.polygon.tolist() for box in find_boxes(page.logits.astype(np.float32), page.size, rules)] for page in pages
    ]
    score = score_detections(found, [page.words for page in pages])
    words = [[word.polygon for word in page.words if not word.ignore] for page in pages]
    covered = sum(sum(are_covered(*page)) for page in zip(found, words, strict=True))
    said = (f"{name} {getattr(rules, name):g}" for name in GRID)
    return (
        f"{', '.join(said)}: hmean {score.hmean:.3f}, precision {score.precision:.3f}, recall {score.recall:.3f}, "
        f"{covered} of {sum(map(len, words))} words covered"
    )


def main(arguments: Sequence[str]) -> None:
    """Measure and print a line for each combination."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fast.box_rules")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("pages", type=Path, help="layout LMDB that nothing was trained on")
    for name, values in GRID.items():
        parser.add_argument(f"--{name}", type=float, nargs="+", default=values)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    detector = Detector(given.checkpoint, device="cpu")
    pages, rules = seen_pages(detector, given.pages), rules_of(detector.config)
    for values in itertools.product(*(getattr(given, name) for name in GRID)):
        sys.stdout.write(row(rules._replace(**dict(zip(GRID, values, strict=True))), pages) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
