"""How fast pages are drawn for the detector: ``python -m benchmarks.fast.drawn_pages [PAGES] [SIDE]``."""

from __future__ import annotations

import sys
import time
from collections import defaultdict

import cv2

from ocr_pipeline.data.synthetic import draw_page, korean_faces, training_faces


def main(pages: int = 100, side: int = 512) -> None:
    """Pages a second of processor time, by kind and in all; and how many words are on them."""
    cv2.setNumThreads(1)
    faces = training_faces(korean_faces())
    seconds, words = defaultdict(list), 0
    for index in range(pages):
        began = time.process_time()
        page = draw_page(0, index, faces, side)
        seconds[page.kind].append(time.process_time() - began)
        words += len(page.words)
    for kind, spent in sorted(seconds.items()):
        sys.stdout.write(f"{kind}: {len(spent)} pages, {len(spent) / sum(spent):.1f} a second\n")
    total = sum(map(sum, seconds.values()))
    sys.stdout.write(
        f"all: {pages / total:.1f} a second and core, {words / pages:.0f} words a page, {len(faces)} faces\n"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
