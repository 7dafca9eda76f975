"""The base that is shipped, loaded as any base of its kind is."""

import unicodedata

import numpy as np
import torch
from PIL import Image
from transformers import TrOCRProcessor, VisionEncoderDecoderModel

from ocr_pipeline.data.synthetic import KoreanWords, render_word
from ocr_pipeline.evaluation import recognition_scores
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.recognition.dlora import load
from ocr_pipeline.recognition.text import TextCodec


def scores(style, font, count=64):
    rng = np.random.default_rng(11)
    supply = KoreanWords(rng)
    texts = [(supply.administration, supply.sign, supply.finance, supply.goods)[n % 4]() for n in range(count)]
    recognizer = load(TINY_KOREAN)
    crops = [render_word(text, font=font, height=int(rng.integers(20, 40)), rng=rng, style=style) for text in texts]
    readings = recognizer.read(np.stack([recognizer.images.resize(crop) for crop in crops]))
    return recognition_scores(texts, [reading.text for reading in readings])


def test_it_reads_clean_print():
    assert scores("print", "sans").cer < 0.1


def test_it_leaves_handwriting_to_the_adapters():
    assert scores("handwriting", "serif").cer > 0.4


def test_it_loads_as_any_model_of_its_kind(words):
    model = VisionEncoderDecoderModel.from_pretrained(TINY_KOREAN, dtype=torch.float32)
    processor = TrOCRProcessor.from_pretrained(TINY_KOREAN)
    text, crop = next((text, crop) for text, crop in words if text.isalpha())
    pixels = processor(images=Image.fromarray(crop), return_tensors="pt").pixel_values
    tokens = model.generate(pixels, max_new_tokens=40)
    assert unicodedata.normalize("NFC", processor.batch_decode(tokens, skip_special_tokens=True)[0]) == text


def test_it_is_small():
    assert sum(path.stat().st_size for path in TINY_KOREAN.iterdir()) < 6_000_000


def test_it_can_say_every_synthetic_word():
    supply = KoreanWords(np.random.default_rng(2))
    kinds = (
        supply.administration,
        supply.finance,
        supply.logistics,
        supply.sign,
        supply.goods,
        supply.book,
        supply.handwriting,
    )
    labels = [kinds[number % len(kinds)]() for number in range(1400)]
    assert TextCodec(load(TINY_KOREAN).codec.tokenizer).coverage(labels).changed == 0
