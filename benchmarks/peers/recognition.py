"""Recognizers side by side on the same words; ``python -m benchmarks.peers.recognition --help``.

Held-out faces (clean words in print, hands and signs apart; every syllable in three print faces), and labelled pictures
of your own, which are only read here: photographs with a line of JSON each, AI-Hub handwriting pages with their labels.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks.peers.tesseract import Tesseract, version
from ocr_pipeline.data.annotations.geometry import rectify
from ocr_pipeline.data.synthetic.crops import plain_crop
from ocr_pipeline.data.synthetic.faces import Face, judging_faces, korean_faces
from ocr_pipeline.data.synthetic.texts import SYLLABLES
from ocr_pipeline.evaluation import recognition_scores
from ocr_pipeline.recognition import TextRecognizer, load_recognizer
from ocr_pipeline.recognition.pretraining.judging import Words, clean_words
from ocr_pipeline.storage.files.pictures import decode_picture

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


def photo_words(folder: Path) -> Words:
    """Words of ``folder/det_labels.jsonl``: a line ``{image, words: [{text, poly}]}`` for each picture."""
    words: Words = []
    for line in (folder / "det_labels.jsonl").read_text(encoding="utf-8").splitlines():
        page = json.loads(line)
        pixels = decode_picture((folder / page["image"]).read_bytes(), "RGB")
        words += [(rectify(pixels, tuple(map(tuple, word["poly"]))), word["text"]) for word in page["words"]]
    return words


def handwriting_words(folder: Path) -> Words:
    """Words of AI-Hub handwriting pages: pictures beside labels of the same name."""
    return [word for label in sorted(folder.glob("*.json")) for word in _words_of(label)]


def _words_of(label: Path) -> Iterator[tuple[np.ndarray, str]]:
    pixels = decode_picture(label.with_suffix(".png").read_bytes(), "RGB")
    for box in json.loads(label.read_text(encoding="utf-8"))["bbox"]:
        x0, x1, y0, y1 = min(box["x"]), max(box["x"]), min(box["y"]), max(box["y"])
        crop = pixels[max(0, y0) : y1, max(0, x0) : x1]
        if crop.size and box["data"].strip():
            yield np.ascontiguousarray(crop), " ".join(box["data"].split())


def judge(recognizer: TextRecognizer, words: Words) -> dict[str, float]:
    """Character error rate with its interval, the share read without a fault, and words a second of one core."""
    start, said = _processor_time(), []
    for first in range(0, len(words), BATCH):
        said += [reading.text for reading in recognizer.read_crops([crop for crop, _ in words[first : first + BATCH]])]
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
    parser.add_argument("--model", type=Path, action="append", default=[], help="A recognizer; may be repeated.")
    parser.add_argument("--tesseract", action="store_true", help="Debian's tesseract-ocr with tesseract-ocr-kor too.")
    parser.add_argument("--photos", type=Path, help="A folder with det_labels.jsonl.")
    parser.add_argument("--handwriting", type=Path, help="A folder of AI-Hub handwriting pages and labels.")
    parser.add_argument("--words", type=int, default=2000, help="Clean words of each kind of face.")
    parser.add_argument("--every", type=int, default=1, help="Every so-manieth syllable.")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    sets = {**held_out_words(asked.words), **every_syllable(asked.every)}
    if asked.photos:
        sets["photos"] = photo_words(asked.photos)
    if asked.handwriting:
        sets["handwriting"] = handwriting_words(asked.handwriting)
    recognizers: dict[str, TextRecognizer] = {str(path): load_recognizer(path) for path in asked.model}
    if asked.tesseract:
        recognizers[version()] = Tesseract()
    for name, words in sets.items():
        for recognizer, reader in recognizers.items():
            line = {"set": name, "recognizer": recognizer, **judge(reader, words)}
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
