"""Whether mending pays: a recognizer that learns clean labels, one that learns wrong ones, one that learns mended ones.

    python -m benchmarks.review.retraining FOLDER [--pages 60] [--steps 500] [--seeds 2]

Pages are drawn once into FOLDER. *dirty*: errors of every kind are planted in a tenth of the labels; *mended*: of each
kind the first hundred suspects are looked at by somebody who knows the truth, and what is wrong is corrected. All of it
goes the product's own way: planted errors and corrections are overlays that `merge_labels` applies, suspects come from
`find_label_suspects`, corrections through `import_review`. From ``korean_words`` on every weight learns, all arms
by the same recipe and the same seeds, and what they read of clean validation pages after the last step is compared.
Intervals: bootstrap over pages, the same draws for all arms. What was drawn and learnt in FOLDER is not made again.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import torch

from ocr_pipeline.data.annotations import AnnotationSettings, CropReader, build_annotations
from ocr_pipeline.data.annotations.stored import StoredCrops
from ocr_pipeline.data.corrections import Correction, write_overlay
from ocr_pipeline.data.datasets import SourcePartition, source_partition
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels, read_pages
from ocr_pipeline.data.review import (
    Readers,
    Sitting,
    Suspect,
    SuspectSettings,
    find_label_suspects,
    import_review,
    read_suspects,
)
from ocr_pipeline.data.review.suspects.planting import plant
from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.evaluation.bootstrap import Estimate, Sums, difference, drawn_pages, estimate, ratio
from ocr_pipeline.models import KOREAN_WORDS
from ocr_pipeline.page import Page, Word
from ocr_pipeline.parallel import Processes
from ocr_pipeline.recognition import load_recognizer
from ocr_pipeline.recognition.crops import Crops
from ocr_pipeline.recognition.dlora import DloraTraining, train_dlora
from ocr_pipeline.recognition.evaluating import evaluate
from ocr_pipeline.recognition.interface import Loading
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

TRAIN, VALID = source_partition("handwriting_train"), source_partition("handwriting_valid")
ARMS = ("clean", "dirty", "mended")
PLANTED = 0.1
LOOKED_AT = 100
"""Suspects of each kind."""
PAGE = (1024, 1408)
NOON = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)
BATCH = 24
CROPS = AnnotationSettings(output_format="lmdb", crop="quad", margin="10%")

Truth = dict[tuple[str, int], str]


def true_texts(workspace: Workspace) -> Truth:
    return {(page.image, word.id): word.text for page in pages_of(workspace, TRAIN) for word in page.words}


def pages_of(workspace: Workspace, partition: SourcePartition) -> Iterator[Page]:
    return read_pages(workspace.merged_json(partition.key), partition)


def make_data(share: Share, workspace: Workspace, *partitions: SourcePartition) -> None:
    for partition in partitions:
        merge_labels(share, partition, workspace, workers=1)
        build_lookup(share, partition, workspace)
        build_annotations(share, partition, workspace, CROPS, crew=Processes(1))


def plant_errors(clean: Workspace, dirty: Workspace) -> Counter[str]:
    """Write the overlay that makes a tenth of the labels wrong; how many there are of each kind."""
    rows, kinds = list[Correction](), Counter[str]()
    for page in pages_of(clean, TRAIN):
        planted = plant(page.words, random.Random(f"{page.image} {PLANTED}"), PLANTED)
        kinds.update(planted.errors.values())
        for place in planted.errors:
            rows.append(correction(page, page.words[place], planted.words[place].text))
    write_overlay(dirty.corrections(TRAIN.key), rows)
    return kinds


def correction(page: Page, word: Word, after: str) -> Correction:
    return Correction(
        label=page.label,
        image=page.image,
        word=word.id,
        action="text",
        before=word.text,
        after=after,
        when=NOON,
        review="planted",
    )


def find(share: Share, dirty: Workspace) -> list[Suspect]:
    readers = Readers({KOREAN_WORDS: load_recognizer(KOREAN_WORDS, Loading("cpu"))})
    find_label_suspects(share, TRAIN, dirty, readers, SuspectSettings())
    return list(read_suspects(dirty.suspects(TRAIN.key)))


def looked_at(suspects: Iterable[Suspect]) -> Iterator[Suspect]:
    """The first hundred of each kind."""
    seen = Counter[str]()
    for suspect in suspects:
        seen[suspect.kind] += 1
        if seen[suspect.kind] <= LOOKED_AT:
            yield suspect


def decided(suspect: Suspect, truth: str) -> Correction:
    """What somebody says who knows what stands there."""
    is_wrong = suspect.text != truth
    return Correction(
        label=suspect.label,
        image=suspect.image,
        word=suspect.word,
        action="text" if is_wrong else "keep",
        before=suspect.text,
        after=truth if is_wrong else "",
        why=suspect.kind,
        when=NOON.replace(hour=13),
        review="mended",
    )


class Arms(NamedTuple):
    """The data of the three, and what was planted and mended by kind."""

    workspaces: dict[str, Workspace]
    planted: Counter[str]
    looked: Counter[str]
    mended: Counter[str]


def arms(folder: Path, pages: int, valid_pages: int) -> Arms:
    write_collection(folder / "share", pages={TRAIN.key: pages, VALID.key: valid_pages}, page_size=PAGE, seed=23)
    share, spaces = Share(folder / "share"), {arm: Workspace(folder / arm) for arm in ARMS}
    make_data(share, spaces["clean"], TRAIN, VALID)
    planted = plant_errors(spaces["clean"], spaces["dirty"])
    make_data(share, spaces["dirty"], TRAIN)
    truth, seen = true_texts(spaces["clean"]), list(looked_at(find(share, spaces["dirty"])))
    said = [decided(suspect, truth[suspect.image, suspect.word]) for suspect in seen]
    overlay = spaces["mended"].corrections(TRAIN.key)
    overlay.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(spaces["dirty"].corrections(TRAIN.key), overlay)
    import_review(spaces["mended"], Sitting(TRAIN.key, said, []))
    make_data(share, spaces["mended"], TRAIN)
    mended = Counter(row.why for row in said if row.action == "text")
    return Arms(spaces, planted, Counter(row.why for row in said), mended)


def still_wrong(workspace: Workspace, truth: Truth) -> int:
    return sum(text != truth[place] for place, text in true_texts(workspace).items())


def read_edits(checkpoint: str | Path, valid: Path) -> np.ndarray:
    """Edits and letters of each validation page [pages, 2]."""
    crops = Crops([CropReader(valid)])
    evaluation = evaluate(load_recognizer(checkpoint, Loading("cpu")), crops, range(len(crops)), 64)
    stored, pages = StoredCrops(valid), defaultdict[str, list[float]](lambda: [0.0, 0.0])
    for crop, sample in zip(evaluation.crops, stored.get(stored.numbers), strict=True):
        page = pages[msgspec.json.decode(sample.meta or b"{}")["image"]]
        page[0] += crop.edits
        page[1] += len(crop.reference)
    return np.array([pages[name] for name in sorted(pages)])


def learnt(folder: Path, arm: Workspace, seed: int, steps: int, rate: float) -> Path:
    """The checkpoint of one arm and seed, after its last step."""
    settings = DloraTraining(
        KOREAN_WORDS,
        str(folder / "runs" / f"{arm.root.name}_{seed}_{steps}_{rate:g}"),
        method="full",
        learning_rate=rate,
        per_device_train_batch_size=BATCH,
        max_steps=steps,
        save_steps=steps,
        warmup_ratio=0.05,
        seed=seed,
        resume_from_checkpoint="last",
    )
    return train_dlora(settings, [arm.annotations("handwriting", "train", "lmdb")], []).checkpoint


def edits_of(kept: Path, checkpoint: str | Path, valid: Path) -> np.ndarray:
    """As `read_edits`, once."""
    if not kept.exists():
        np.save(kept, read_edits(checkpoint, valid))
    return np.load(kept)


def told(made: Estimate) -> str:
    return f"{made.value:.4f} ({made.low:.4f} to {made.high:.4f})"


def compare(edits: dict[str, list[np.ndarray]]) -> Iterator[str]:
    """CER of each arm and what lies between them; the seeds of an arm are added up page by page."""
    sums = {arm: Sums(np.sum(of_seeds, axis=0), ratio) for arm, of_seeds in edits.items()}
    draws = drawn_pages(len(sums["clean"].pages))
    for arm, one in sums.items():
        alone = ", ".join(f"{ratio(each.sum(axis=0)):.4f}" for each in edits[arm])
        yield f"| {arm} | {told(estimate(one, draws))} | {alone} |"
    for better, worse in (("dirty", "mended"), ("mended", "clean"), ("dirty", "clean")):
        yield f"| {better} - {worse} | {told(difference(sums[better], sums[worse], draws))} | |"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def say_data(made: Arms) -> None:
    truth = true_texts(made.workspaces["clean"])
    say(f"{len(truth)} words; wrong: " + ", ".join(f"{arm} {still_wrong(made.workspaces[arm], truth)}" for arm in ARMS))
    say("| kind | planted | looked at | mended |")
    for kind in sorted(made.planted.keys() | made.looked.keys()):
        say(f"| {kind} | {made.planted[kind]} | {made.looked[kind]} | {made.mended[kind]} |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--valid", type=int, default=60)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rate", type=float, default=5e-4)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    made = arms(chosen.folder, chosen.pages, chosen.valid)
    say_data(made)
    valid = made.workspaces["clean"].annotations("handwriting", "valid", "lmdb")
    edits = defaultdict[str, list[np.ndarray]](list)
    edits["base"].append(edits_of(chosen.folder / f"base_{chosen.valid}.npy", KOREAN_WORDS, valid))
    for seed in range(chosen.seeds):
        for arm in ARMS:
            checkpoint = learnt(chosen.folder, made.workspaces[arm], seed, chosen.steps, chosen.rate)
            edits[arm].append(edits_of(checkpoint / f"edits_{chosen.valid}.npy", checkpoint, valid))
            say(f"{arm} {seed}: {ratio(edits[arm][-1].sum(axis=0)):.4f}")
    for line in compare(edits):
        say(line)


if __name__ == "__main__":
    main()
