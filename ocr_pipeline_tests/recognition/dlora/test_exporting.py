"""The exported recognizer, read by ONNX Runtime alone, says what ours says."""

import unicodedata

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.recognition.dlora import export_onnx, load, merge_checkpoint
from ocr_pipeline.storage.files.onnx_files import write_onnx


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


@pytest.mark.slow
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


class Undecided(torch.nn.Module):
    def forward(self, numbers):
        return numbers + 1 if numbers.sum() > 0 else numbers - 1


def test_what_torch_cannot_export_is_one_clear_error(tmp_path):
    with pytest.raises(PipelineError, match="cannot export this network to ONNX"):
        write_onnx(tmp_path / "a.onnx", Undecided(), {"numbers": (torch.ones(2, 3), (0,))}, "sum", {})


@pytest.mark.parametrize("write", [merge_checkpoint, export_onnx])
def test_a_folder_of_others_stays_unless_it_may_go(tmp_path, write):
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(PipelineError, match="--overwrite"):
        write(TINY_KOREAN, tmp_path)
    with pytest.raises(PipelineError, match="what is read"):
        write(TINY_KOREAN, TINY_KOREAN, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]
    assert (TINY_KOREAN / "model.safetensors").is_file()


def test_a_folder_that_may_go_is_replaced(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/old.txt").write_text("old")
    merge_checkpoint(TINY_KOREAN, tmp_path / "model", overwrite=True)
    assert "old.txt" not in {path.name for path in (tmp_path / "model").iterdir()}
