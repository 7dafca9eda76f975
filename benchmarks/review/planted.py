"""How many planted errors the search for wrong labels finds, and how many of its first suspects are planted.

    python -m benchmarks.review.planted FOLDER [--pages 40] [--partition public_admin_train ...]

Pages are drawn once into FOLDER and read once by ``korean_words``; errors are planted in their labels, one kind at a
time, at 1, 3 and 10 % of the words, by five seeds. A row names the kind, how many are planted at 10 %, and for each
share the precision among as many suspects as were planted (which is the recall there too), and the recall in the whole
list; then, for all kinds at 1 %, the rate that is promised beside the one that is kept. Suspects are ranked as the
asset ranks them: by the rate that is calibrated on one half of the pages, and measured on the other half.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import torch

from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.lookup import build_lookup, load_lookup
from ocr_pipeline.data.merged_json import merge_labels, read_pages
from ocr_pipeline.data.review import Readers
from ocr_pipeline.data.review.looking import look_at
from ocr_pipeline.data.review.suspects.calibration import Calibration, Trial, calibrate
from ocr_pipeline.data.review.suspects.finding import find_suspects
from ocr_pipeline.data.review.suspects.planting import PLANTED, plant
from ocr_pipeline.data.review.suspects.suspect import Kind, SeenPage
from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.models import KOREAN_WORDS
from ocr_pipeline.recognition import load_recognizer
from ocr_pipeline.recognition.interface import Loading
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

SHARES = (0.01, 0.03, 0.1)
SEEDS = range(5)
KINDS: tuple[tuple[str, tuple[Kind, ...]], ...] = (
    ("jamo and shifted", ("jamo", "shifted")),
    *((kind, (kind,)) for kind in PLANTED),
)
EXPECTED = 0.01


class Looked(NamedTuple):
    """A page that was read once, and the likelihood of every text that is asked about, remembered."""

    name: str
    seen: SeenPage
    crops: list
    known: dict[tuple[int, str], float]

    def likelihood(self, readers: Readers):
        ask = readers.likelihood(self.crops)

        def told(pairs: Sequence[tuple[int, str]]) -> list[float]:
            new = [pair for pair in dict.fromkeys(pairs) if pair not in self.known]
            self.known.update(zip(new, ask(new), strict=True))
            return [self.known[pair] for pair in pairs]

        return told


def looked_at(folder: Path, key: str, pages: int, size: tuple[int, int], readers: Readers) -> list[Looked]:
    share, workspace, partition = folder / key, Workspace(folder / f"{key}_out"), source_partition(key)
    write_collection(share, pages={key: pages}, page_size=size, seed=11)
    source = Share(share)
    merge_labels(source, partition, workspace, workers=1)
    build_lookup(source, partition, workspace)
    lookup = load_lookup(workspace, partition)
    return [_look(source, page, lookup, readers) for page in read_pages(workspace.merged_json(key), partition)]


def _look(source: Share, page, lookup, readers: Readers) -> Looked:
    looked = look_at(page, source.read(source.below_root(lookup.find(page))), readers, complete=False)
    return Looked(page.image, looked.seen, looked.crops, {})


def planted_and_found(page: Looked, readers: Readers, share: float, kinds: Sequence[Kind], seed: int):
    rng = random.Random(f"{page.name} {share} {kinds} {seed}")
    planted = plant([each.word for each in page.seen.words], rng, share, kinds)
    words = (each._replace(word=word) for each, word in zip(page.seen.words, planted.words, strict=True))
    return planted.errors, find_suspects(SeenPage(tuple(words)), page.likelihood(readers))


def calibration(pages: Sequence[Looked], readers: Readers) -> Calibration:
    """As the asset makes it: all kinds planted in 10 % of the words of some pages."""
    trials, words, count = list[Trial](), 0, 0
    for page in pages:
        errors, found = planted_and_found(page, readers, 0.1, PLANTED, -1)
        trials += (Trial(one.kind, one.evidence, True) for one in found if one.place in errors)
        trials += (Trial(one.kind, one.evidence, False) for one in find_suspects(page.seen, page.likelihood(readers)))
        words, count = words + len(page.seen.words), count + len(errors)
    return calibrate(trials, EXPECTED * words / max(count, 1))


class Ranked(NamedTuple):
    rate: float
    evidence: float
    kind: str
    is_planted: bool


def ranked(pages, readers, made: Calibration, share: float, kinds, seed: int) -> tuple[list[Ranked], int]:
    all_found, count = list[Ranked](), 0
    for page in pages:
        errors, found = planted_and_found(page, readers, share, kinds, seed)
        count += len(errors)
        all_found += (
            Ranked(made.rate(one.kind, one.evidence), one.evidence, one.kind, one.place in errors) for one in found
        )
    return sorted(all_found, key=lambda one: (-one.rate, -one.evidence)), count


def measure(pages: list[Looked], readers: Readers) -> Iterator[str]:
    tried, judged = pages[::2], pages[1::2]
    made = calibration(tried, readers)
    for name, kinds in KINDS:
        cells = []
        for share in SHARES:
            hits = planted = found = 0
            expected = 0.0
            for seed in SEEDS:
                order, count = ranked(judged, readers, made, share, kinds, seed)
                hits += sum(one.is_planted for one in order[:count])
                found += sum(one.is_planted for one in order)
                planted += count
                expected += sum(one.rate for one in order[:count])
            at = hits / planted if planted else float("nan")
            cells.append(f"{at:.3f} | {found / max(planted, 1):.3f}")
        yield f"| {name} | {planted // len(SEEDS)} | {' | '.join(cells)} |"


def expected_rates(pages: list[Looked], readers: Readers) -> Iterator[str]:
    """What is promised beside what is kept, at one error in a hundred."""
    made, bins = calibration(pages[::2], readers), defaultdict[float, Counter](Counter)
    for seed in SEEDS:
        for one in ranked(pages[1::2], readers, made, EXPECTED, PLANTED, seed)[0]:
            edge = next(edge for edge in (0.9, 0.5, 0.2, 0.05, 0.0) if one.rate >= edge)
            bins[edge].update(count=1, hits=one.is_planted, rate=one.rate)
    for edge, told in sorted(bins.items(), reverse=True):
        promised, kept = told["rate"] / told["count"], told["hits"] / told["count"]
        yield f"| {edge:.2f} | {told['count']} | {promised:.3f} | {kept:.3f} |"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--size", type=int, nargs=2, default=(1024, 1408))
    parser.add_argument("--partition", nargs="+", default=["public_admin_train", "handwriting_train"])
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    readers = Readers({KOREAN_WORDS: load_recognizer(KOREAN_WORDS, Loading("cpu"))})
    for key in chosen.partition:
        pages = looked_at(chosen.folder, key, chosen.pages, tuple(chosen.size), readers)
        words = sum(len(page.seen.words) for page in pages)
        wrong = sum(len(find_suspects(page.seen, page.likelihood(readers))) for page in pages)
        say(f"{key}: {len(pages)} pages, {words} words, {wrong} read otherwise without any error")
        for line in chain(measure(pages, readers), [""], expected_rates(pages, readers)):
            say(line)


if __name__ == "__main__":
    main()
