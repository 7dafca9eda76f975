"""Recognizers side by side on the same words; ``python -m benchmarks.peers.recognition --help``.

Held-out faces (clean words in print, hands and signs apart; every syllable in three print faces), and labelled pages
of your own, which are only read here. Who reads is named as for ``ocr-pipeline judge``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
import torch

from ocr_pipeline.data.synthetic.crops import plain_crop
from ocr_pipeline.data.synthetic.faces import Face, judging_faces, korean_faces
from ocr_pipeline.data.synthetic.texts import SYLLABLES
from ocr_pipeline.evaluation import recognition_scores
from ocr_pipeline.judging.contestants import Opening, open_contestants
from ocr_pipeline.judging.contestants.contestant import Read
from ocr_pipeline.judging.labelled import labelled_at
from ocr_pipeline.judging.trial import crop_of
from ocr_pipeline.recognition.pretraining.judging import Words, clean_words
from ocr_pipeline.storage.artifacts.workspace import Workspace

COMPLETE = ("Baekmuk Gulim", "UnShinmun", "UnGraphic")  # held-out print faces that draw every syllable
BATCH = 64


def held_out_words(count: int) -> dict[str, Words]:
    """``count`` clean words of each kind of held-out face."""
    faces = judging_faces(korean_faces())
    kinds = ("print", "hand", "sign")
    return {f"held-out {kind}": clean_words([face for face in faces if face.kind == kind], count) for kind in kinds}


def every_syllable(step: int) -> dict[str, Words]:
    """Every syllable (every ``step``-th) alone in each of three held-out faces."""
    rng = np.random.default_rng(0)
    faces: dict[str, Face] = {face.name: face for face in judging_faces(korean_faces())}
    return {
        f"syllables {name}": [(plain_crop(text, faces[name], rng), text) for text in SYLLABLES[::step]]
        for name in COMPLETE
        if name in faces
    }


def labelled_words(folder: Path) -> Words:
    """The words of labelled pages, as crops for training are made."""
    pages = labelled_at(folder)
    read = (pages.read(number) for number in range(len(pages)))
    cut = ((crop_of(page.pixels, word.quad), word.text) for page in read for word in page.words if word.counts)
    return [(crop, text) for crop, text in cut if crop is not None]


def judge(read: Read, words: Words) -> dict[str, float]:
    """Character error rate with its interval, the share read without a fault, and words a second of one core."""
    start, said = _processor_time(), []
    for first in range(0, len(words), BATCH):
        said += [reading.text for reading in read([crop for crop, _ in words[first : first + BATCH]])]
    seconds = _processor_time() - start
    scores = recognition_scores([text for _, text in words], said)
    rounded = {name: round(value, 4) for name, value in scores.as_dict().items() if name.startswith(("cer", "exact"))}
    return {"words": len(words), **rounded, "a_second": round(len(words) / max(seconds, 1e-9), 1)}


def _processor_time() -> float:
    """Seconds of this process and of the programs that it has waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contestant", action="append", default=[], help="As for `ocr-pipeline judge`.")
    parser.add_argument("--labelled", type=Path, action="append", default=[], help="A folder of labelled pages.")
    parser.add_argument("--words", type=int, default=2000, help="Clean words of each kind of face.")
    parser.add_argument("--every", type=int, default=1, help="Every so-manieth syllable.")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    sets = {**held_out_words(asked.words), **every_syllable(asked.every)}
    sets |= {folder.name: labelled_words(folder) for folder in asked.labelled}
    with ExitStack() as stack:
        opening = Opening(Workspace.from_environment(os.environ), "cpu", BATCH, stack)
        readers = [
            each for each in open_contestants(asked.contestant or ["shipped", "tesseract"], opening) if each.read
        ]
        for name, words in sets.items():
            for reader in readers:
                line = {"set": name, "recognizer": reader.name, "version": reader.version, **judge(reader.read, words)}
                sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
