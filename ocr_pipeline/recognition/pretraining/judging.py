"""How well the held-out faces are read: clean words, by kind of face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ocr_pipeline.data.synthetic.crops import plain_crop
from ocr_pipeline.data.synthetic.faces import Face
from ocr_pipeline.data.synthetic.texts import Texts
from ocr_pipeline.evaluation import recognition_scores
from ocr_pipeline.recognition.interface import TextRecognizer

JUDGES_SEED = 20_260_101
Words = list[tuple[np.ndarray, str]]


def clean_words(faces: Sequence[Face], count: int, seed: int = JUDGES_SEED) -> Words:
    """Words of the five sets' fields, each a crop in dark ink on white, the faces in turn."""
    words: Words = []
    rng = np.random.default_rng(seed)
    texts = Texts(rng)
    while len(words) < count:
        face, text = faces[len(words) % len(faces)], texts.of_the_sets()
        if face.draws(text):
            words.append((plain_crop(text, face, rng), text))
    return words


def read_words(recognizer: TextRecognizer, words: Words, batch: int = 50) -> list[str]:
    """What is read, in their order."""
    starts = range(0, len(words), batch)
    readings = (recognizer.read_crops([crop for crop, _ in words[start : start + batch]]) for start in starts)
    return [reading.text for some in readings for reading in some]


def character_errors(recognizer: TextRecognizer, words: Words) -> float:
    """The character error rate over ``words``."""
    return recognition_scores([text for _, text in words], read_words(recognizer, words)).cer
