"""Detector and recognizer under ONNX Runtime: python examples/export_and_run_onnx.py PAGE FOLDER

Needs the extra ``export`` and onnxruntime. What is needed to feed the models stands in their metadata.
"""

import json
import math
import sys
import unicodedata
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image
from tokenizers import Tokenizer

from ocr_pipeline.fast import export_onnx as export_detector
from ocr_pipeline.fast.maps.postprocess import BoxRules, find_boxes
from ocr_pipeline.models import FAST_KOREAN, KOREAN_WORDS, place_of
from ocr_pipeline.recognition.dlora import export_onnx as export_recognizer


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def words_of(page: Image.Image, model: Path) -> list[np.ndarray]:
    """The corners of the words of a page, (4, 2) each."""
    detector = session(model)
    facts = detector.get_modelmeta().custom_metadata_map
    short, stride = json.loads(facts["input.short_size"]), json.loads(facts["input.stride"])
    scale = short / min(page.size)
    width, height = (math.ceil(side * scale / stride) * stride for side in page.size)
    pixels = np.asarray(page.resize((width, height), Image.Resampling.BILINEAR))
    (logits,) = detector.run(["kernel_logits"], {"pictures": pixels.transpose(2, 0, 1)[None]})
    rules = BoxRules(
        pooling_size=json.loads(facts["output.pooling_size"]),
        min_score=json.loads(facts["output.min_score"]),
        min_area=json.loads(facts["output.min_area"]),
        kernel_logit=json.loads(facts["output.kernel_logit"]),
        box_growth=json.loads(facts["output.box_growth"]),
    )
    return [found.from_top_left().polygon for found in find_boxes(logits[0], (page.height, page.width), rules)]


def texts_of(crops: list[Image.Image], folder: Path) -> list[str]:
    """What the crops say, read greedily."""
    encoder, decoder = session(folder / "encoder.onnx"), session(folder / "decoder.onnx")
    facts = decoder.get_modelmeta().custom_metadata_map
    size, end = (int(facts["input.width"]), int(facts["input.height"])), int(facts["token.end"])
    pixels = np.stack([np.asarray(crop.resize(size, Image.Resampling.BILINEAR)) for crop in crops])
    (states,) = encoder.run(None, {"pixels": pixels})
    tokens = np.full((len(crops), 1), int(facts["token.start"]))
    while tokens.shape[1] < int(facts["longest"]) and not (tokens == end).any(1).all():
        (logits,) = decoder.run(None, {"tokens": tokens, "states": states})
        tokens = np.concatenate([tokens, logits.argmax(1)[:, None]], axis=1)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    said = (row[: row.index(end)] if end in row else row for row in tokens.tolist())
    return [unicodedata.normalize("NFC", tokenizer.decode(row, skip_special_tokens=True)) for row in said]


def main(picture: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    export_detector(FAST_KOREAN, folder / "detector.onnx", overwrite=True)
    export_recognizer(Path(place_of(KOREAN_WORDS)), folder / "recognizer", overwrite=True)
    page = Image.open(picture).convert("RGB")
    words = words_of(page, folder / "detector.onnx")
    boxes = [(*word.min(axis=0), *word.max(axis=0)) for word in words]
    texts = texts_of([page.crop(box) for box in boxes], folder / "recognizer") if boxes else []
    for text, word in zip(texts, words, strict=True):
        print(text, word.tolist())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
