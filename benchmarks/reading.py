"""Reading pages: what it costs beside detection and recognition run apart, and how well it reads from end to end.

``python -m benchmarks.reading --pages 100`` draws pages in faces that nothing was trained on; ``--labelled FOLDER``
(in any form that ``ocr-pipeline judge`` reads) it judges those pages too.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ocr_pipeline.data.synthetic import draw_page
from ocr_pipeline.data.synthetic.faces import judging_faces, korean_faces
from ocr_pipeline.evaluation.end_to_end import FOLDS, SpottedWord, score_end_to_end
from ocr_pipeline.judging.labelled import labelled_at
from ocr_pipeline.reading import Reader, ReadPage
from ocr_pipeline.reading.input import Sheet
from ocr_pipeline.reading.order import order_words
from ocr_pipeline.reading.pipeline import Request, find_words, read_crops

KINDS = ("document", "form", "receipt")
SIDE = 720  # pixels of the shorter side; letters are as many pixels high on pages of any size


class Labelled(NamedTuple):
    """A page and its words; ``kind`` as the drawing calls it."""

    sheet: Sheet
    words: list[SpottedWord]
    kind: str


def drawn_pages(count: int, side: int) -> Iterator[Labelled]:
    """Pages of paper, in the order in which their words were written."""
    faces, index = judging_faces(korean_faces()), 0
    while count:
        page = draw_page(4711, index, faces, side)
        index += 1
        if page.kind in KINDS:
            unclear = [SpottedWord(word.quad, "###") for word in page.unclear]
            words = [SpottedWord(word.quad, word.text) for word in page.words]
            yield Labelled(Sheet(f"{index}.png", 1, page.pixels), [*words, *unclear], page.kind)
            count -= 1


def labelled_pages(folder: Path) -> Iterator[Labelled]:
    pages = labelled_at(folder)
    for page in (pages.read(number) for number in range(len(pages))):
        words = [SpottedWord(word.quad, word.text) for word in page.words]
        yield Labelled(Sheet(page.image, 1, page.pixels), words, page.kind)


def read_apart(reader: Reader, pages: Sequence[Labelled]) -> float:
    """Seconds for all words to be found, and then to be read."""
    start = time.perf_counter()
    found = [find_words(reader.models.detector, page.sheet) for page in pages]
    crops = [crop for words in found for crop in words.crops]
    read_crops(reader.models.recognizer, reader.models.batch_size, crops)
    return time.perf_counter() - start


def read_together(reader: Reader, pages: Sequence[Labelled]) -> tuple[float, list[ReadPage]]:
    """Seconds for all pages to be read, and the pages."""
    start = time.perf_counter()
    requests = [Request(number, partial(_given, page.sheet)) for number, page in enumerate(pages)]
    read = [answer.result[1] for answer in reader.read_pages(requests) if isinstance(answer.result, tuple)]
    return time.perf_counter() - start, read


def _given(sheet: Sheet) -> Sheet:
    return sheet


def neighbours_kept(words: Sequence[SpottedWord]) -> tuple[int, int]:
    """Pairs of words written one after the other that the order keeps together, and all such pairs."""
    quads = [tuple(map(tuple, np.asarray(word.polygon))) for word in words if word.text != "###"]
    mixed = np.random.default_rng(0).permutation(len(quads))
    order = [int(mixed[place]) for line in order_words([quads[place] for place in mixed]) for place in line.places]
    kept = set(pairwise(order))
    return sum(pair in kept for pair in pairwise(range(len(quads)))), max(len(quads) - 1, 0)


def report(name: str, reader: Reader, pages: Sequence[Labelled], say: Callable[[str], object]) -> None:
    reader.read(pages[0].sheet.pixels)  # warm
    apart = [read_apart(reader, pages) for _ in range(2)]
    together, read = read_together(reader, pages)
    words = sum(len(list(page.words)) for page in read)
    say(f"{name}: {len(pages)} pages, {words} words found")
    say(f"  apart {min(apart):.1f} s, read {together:.1f} s: {together / min(apart):.2f} of it")
    spotted = [[SpottedWord(np.array(word.quad), word.text) for word in page.words] for page in read]
    for fold in ("as it is", "without spaces"):
        score = score_end_to_end(spotted, [page.words for page in pages], FOLDS[fold])
        say(
            f"  end to end, {fold}: precision {score.precision:.3f}, recall {score.recall:.3f}, hmean {score.hmean:.3f}"
        )


def report_order(pages: Sequence[Labelled], say: Callable[[str], object]) -> None:
    for kind in dict.fromkeys(page.kind for page in pages):
        pairs = [neighbours_kept(page.words) for page in pages if page.kind == kind]
        kept, of = (sum(each) for each in zip(*pairs, strict=True))
        say(f"  order of {kind}: {kept} of {of} neighbours kept ({kept / max(of, 1):.4f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=12)
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--labelled", type=Path)
    chosen, reader = parser.parse_args(), Reader(device="cpu")
    pages = list(drawn_pages(chosen.pages, chosen.side))

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    report_order(pages, say)
    report("drawn", reader, pages, say)
    if chosen.labelled:
        report("labelled", reader, list(labelled_pages(chosen.labelled)), say)


if __name__ == "__main__":
    main()
