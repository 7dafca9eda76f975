"""Two recognizers behind one interface, on the same crops."""

import json
import unicodedata

import numpy as np
import pytest
import torch
from transformers import PPLCNetV3Config, PPOCRV5MobileRecConfig, PPOCRV5MobileRecForTextRecognition

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.recognition import Decoding, Loading, PpOcrRecognizer, compare, load_recognizer
from ocr_pipeline.recognition.ppocr import batched

CHARACTERS = ["blank", *"가나다라마바사아자차", unicodedata.normalize("NFD", "각"), " "]


@pytest.fixture(scope="module")
def ppocr(tmp_path_factory):
    """A folder as the download has it, with random weights."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("ppocr")
    # (kernel, channels in, out, stride, squeeze): as in the real one, height shrinks to 3 and width to a quarter
    blocks = [
        [[3, 16, 16, 1, False]],
        [[3, 16, 16, 1, False]],
        [[3, 16, 16, [2, 1], False]],
        [[3, 16, 16, [1, 2], False]],
        [[5, 16, 16, [2, 1], True], [5, 16, 16, [2, 1], False]],
    ]
    stages = ["stage2", "stage3", "stage4", "stage5"]
    config = PPOCRV5MobileRecConfig(
        backbone_config=PPLCNetV3Config(block_configs=blocks, out_features=stages),
        hidden_size=16,
        depth=1,
        num_attention_heads=2,
        head_out_channels=len(CHARACTERS),
    )
    PPOCRV5MobileRecForTextRecognition(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"character_list": CHARACTERS}))
    return folder


def test_ppocr_reads_what_greedy_ctc_says(ppocr, words):
    recognizer = PpOcrRecognizer(ppocr)
    steps = torch.full((7, len(CHARACTERS)), 0.01)
    for step, letter in enumerate([0, 1, 1, 0, 1, 11, 2]):
        steps[step, letter] = 0.9
    reading = recognizer._decoded(*steps.max(-1))
    assert reading.text == "가가각나"
    assert reading.confidence == pytest.approx(0.9)
    crops = [crop for _, crop in words[:3]]
    read = recognizer.read_crops(crops)
    assert len(read) == 3
    assert recognizer.read_crops(crops) == read
    assert recognizer.read_crops([]) == []


def test_ppocr_keeps_the_aspect_ratio_and_pads_to_the_widest(words):
    narrow, wide = np.full((24, 60, 3), 255, np.uint8), np.zeros((24, 400, 3), np.uint8)
    assert batched([narrow]).shape == (1, 3, 48, 320)
    both = batched([narrow, wide])
    assert both.shape == (2, 3, 48, 800)
    assert (both[0, :, :, :120] == 1).all() and (both[0, :, :, 120:] == 0).all()
    assert (both[1] == -1).all()


def test_without_weights_ppocr_says_what_to_download(tmp_path):
    with pytest.raises(PipelineError, match="hf download PaddlePaddle/korean_PP-OCRv5"):
        PpOcrRecognizer(tmp_path)


def test_whose_a_folder_is_stands_in_it(ppocr, words):
    recognizer, trocr = load_recognizer(ppocr), load_recognizer(TINY_KOREAN)
    assert isinstance(recognizer, PpOcrRecognizer) and not isinstance(trocr, PpOcrRecognizer)
    crops = [crop for _, crop in words[:3]]
    assert recognizer.read_crops(crops) == PpOcrRecognizer(ppocr).read_crops(crops)
    assert recognizer.fingerprint == PpOcrRecognizer(ppocr).fingerprint != trocr.fingerprint


def test_ppocr_refuses_what_it_cannot_do(ppocr):
    for how in (Loading(decoding=Decoding(beams=4)), Loading(precision="bfloat16")):
        with pytest.raises(PipelineError, match="no beams"):
            load_recognizer(ppocr, how)


def test_all_read_the_same_crops(ppocr, jsonl, words, tmp_path):
    recognizers = {"trocr": load_recognizer(TINY_KOREAN), "ppocr": PpOcrRecognizer(ppocr)}
    trocr, other = compare(recognizers, [jsonl("set", words[:10])], output_dir=tmp_path / "out", samples=6)
    assert (trocr.name, other.name) == ("trocr", "ppocr")
    assert trocr.scores.count == other.scores.count == 6
    assert trocr.scores.cer < 0.2 < other.scores.cer
    truths = [
        [line.split(",")[2] for line in (tmp_path / "out" / name / "predictions.csv").read_text().splitlines()]
        for name in recognizers
    ]
    assert truths[0] == truths[1]


def test_bfloat16_reads_nearly_the_same(words):
    crops = [crop for _, crop in words]
    exact, rough = (load_recognizer(TINY_KOREAN, Loading(precision=kind)) for kind in ("float32", "bfloat16"))
    same = [a.text == b.text for a, b in zip(exact.read_crops(crops), rough.read_crops(crops), strict=True)]
    assert rough.model.dtype == torch.bfloat16
    assert np.mean(same) > 0.8


def test_a_damaged_crop_is_named_and_nothing_to_compare_on_is_an_error(tmp_path, jsonl, words):
    path, recognizers = jsonl("words", words[:2]), {"tiny": load_recognizer(TINY_KOREAN)}
    (tmp_path / "words_crops/1.png").write_bytes(b"\xff\xd8\xff\xe0 broken")
    with pytest.raises(PipelineError, match=r"a crop cannot be read.*words"):
        compare(recognizers, [path])
    with pytest.raises(PipelineError, match="no crops to compare on"):
        compare(recognizers, [])
