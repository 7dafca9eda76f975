"""The recognizer that is shipped: by its name, by transformers alone, and its card."""

import unicodedata
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import TrOCRProcessor, VisionEncoderDecoderModel

from ocr_pipeline.data.synthetic.crops import plain_crop
from ocr_pipeline.data.synthetic.faces import HELD_OUT, package_faces
from ocr_pipeline.data.synthetic.texts import Texts
from ocr_pipeline.evaluation import recognition_scores
from ocr_pipeline.models import KOREAN_WORDS, place_of
from ocr_pipeline.recognition import Loading, load_recognizer
from ocr_pipeline.recognition.dlora import base_fingerprint
from ocr_pipeline.recognition.pretraining.judging import clean_words, read_words
from ocr_pipeline.recognition.text import TextCodec

FOLDER = Path(place_of(KOREAN_WORDS))


def test_it_reads_clean_print_of_both_typefaces_by_its_name_alone():
    words = clean_words(package_faces(), 60)
    readings = read_words(load_recognizer(KOREAN_WORDS, Loading(device="cpu")), words)
    assert recognition_scores([text for _, text in words], readings).cer < 0.3


def test_a_name_is_as_good_as_its_folder():
    assert base_fingerprint(KOREAN_WORDS) == base_fingerprint(FOLDER)
    assert place_of("ddobokki/ko-trocr") == "ddobokki/ko-trocr" and place_of(FOLDER) == str(FOLDER)


def test_it_loads_as_any_model_of_its_kind():
    model = VisionEncoderDecoderModel.from_pretrained(FOLDER, dtype=torch.float32)
    processor = TrOCRProcessor.from_pretrained(FOLDER)
    crop = plain_crop("주민등록", package_faces()[0], np.random.default_rng(0))
    pixels = processor(images=Image.fromarray(crop), return_tensors="pt").pixel_values
    tokens = model.generate(pixels, max_new_tokens=40)
    read = unicodedata.normalize("NFC", processor.batch_decode(tokens, skip_special_tokens=True)[0])
    assert read == load_recognizer(FOLDER, Loading(device="cpu")).read_crops([crop])[0].text


def test_it_is_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 30_000_000
    weights = VisionEncoderDecoderModel.from_pretrained(FOLDER)
    assert sum(weight.numel() for weight in weights.parameters()) < 15_000_000


def test_it_can_say_what_it_was_shown_but_for_letters_of_other_widths():
    texts = Texts(np.random.default_rng(2))
    labels = [unicodedata.normalize("NFKC", texts.word()) for _ in range(800)]
    assert TextCodec(TrOCRProcessor.from_pretrained(FOLDER).tokenizer).coverage(labels).changed < 8


def test_its_card_names_the_faces_it_learned_from_and_no_held_out_one():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    learned = card.split("## Typefaces")[1].split("Held out")[0]
    assert all(face.name in learned for face in package_faces())
    assert not [name for name in HELD_OUT if f"| {name} |" in learned]
