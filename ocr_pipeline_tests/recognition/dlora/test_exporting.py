"""The exported recognizer, read by ONNX Runtime alone, says what ours says."""

import unicodedata

import numpy as np
import pytest
from PIL import Image
from tokenizers import Tokenizer

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.recognition.dlora import export_onnx, load


def read_greedily(folder, crops):
    """A reader that knows the folder and its metadata, and nothing else."""
    import onnxruntime

    encoder, decoder = (onnxruntime.InferenceSession(folder / f"{half}.onnx") for half in ("encoder", "decoder"))
    facts = decoder.get_modelmeta().custom_metadata_map
    size = int(facts["input.width"]), int(facts["input.height"])
    pixels = np.stack([np.asarray(Image.fromarray(crop).resize(size, Image.Resampling.BILINEAR)) for crop in crops])
    (states,) = encoder.run(None, {"pixels": pixels})
    tokens = np.full((len(crops), 1), int(facts["token.start"]))
    while tokens.shape[1] < int(facts["longest"]) and not (tokens == int(facts["token.end"])).any(1).all():
        (logits,) = decoder.run(None, {"tokens": tokens, "states": states})
        tokens = np.concatenate([tokens, logits.argmax(1)[:, None]], axis=1)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    ended = (list(row).index(int(facts["token.end"])) for row in tokens.tolist())
    return [
        unicodedata.normalize("NFC", tokenizer.decode(row[:end], skip_special_tokens=True))
        for row, end in zip(tokens.tolist(), ended, strict=True)
    ]


def test_greedy_texts_are_those_of_the_recognizer(tmp_path, words):
    metadata = export_onnx(TINY_KOREAN, tmp_path / "onnx")
    assert (metadata["token.end"], metadata["input.height"]) == ("3", "32")
    crops = [crop for _, crop in words]
    expected = [reading.text for reading in load(TINY_KOREAN).read_crops(crops)]
    assert read_greedily(tmp_path / "onnx", crops) == expected
    assert sum(text == read for (text, _), read in zip(words, expected, strict=True)) > 20


def test_what_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("ocr_pipeline.storage.files.onnx_files.find_spec", lambda name: None)
    with pytest.raises(PipelineError, match="onnx, onnxscript"):
        export_onnx(TINY_KOREAN, tmp_path / "onnx")
