import functools
import json

import pytest
import torch
from PIL import Image

from ocr_pipeline.demo.tiny_model import save_tiny, tiny_model, tiny_processor
from ocr_pipeline.recognition.pretraining.tokenizer import jamo_tokenizer


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def random_model():
    """A model with random weights, small enough to train in a test."""
    torch.manual_seed(0)
    return tiny_model(len(jamo_tokenizer()), hidden=32, encoder_layers=2, decoder_layers=1).eval()


@pytest.fixture(scope="session")
def base_folder(tmp_path_factory, random_model):
    folder = tmp_path_factory.mktemp("base")
    save_tiny(folder, random_model, tiny_processor())
    return folder


def write_jsonl(folder, name, words):
    """Recognition data of some words as ``folder/name.jsonl``."""
    crops = folder / f"{name}_crops"
    crops.mkdir()
    lines = []
    for number, (text, crop) in enumerate(words):
        Image.fromarray(crop).save(crops / f"{number}.png")
        image = {"matched_text_index": 0, "image_url": f"{crops.name}/{number}.png"}
        answer = [{"text": "OCR:", "tag": "mask"}, {"text": text, "tag": "no_mask"}]
        lines.append(json.dumps({"image_info": [image], "text_info": answer}, ensure_ascii=False))
    path = folder / f"{name}.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def jsonl(tmp_path):
    """Writes words as recognition data, and returns its path."""
    return functools.partial(write_jsonl, tmp_path)
