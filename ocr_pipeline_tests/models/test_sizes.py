"""What a configuration may ask for is told before anybody builds it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from transformers import VisionEncoderDecoderModel

from ocr_pipeline.cli import cli
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models import KOREAN_WORDS, TINY_KOREAN, place_of
from ocr_pipeline.models.sizes import demand_sizes


def changed(folder: Path, name: str, path: tuple[str, ...], value: object) -> Path:
    """The tiny base with another value in one of its files."""
    base = Path(shutil.copytree(TINY_KOREAN, folder / "base"))
    content = json.loads((base / name).read_text()) if (base / name).is_file() else {}
    place = content
    for key in path[:-1]:
        place = place.setdefault(key, {})
    place[path[-1]] = value
    (base / name).write_text(json.dumps(content))
    return base


ABSURD = [
    ("config.json", ("decoder", "num_hidden_layers"), 10**7),
    ("config.json", ("decoder", "decoder_layers"), -1),
    ("config.json", ("encoder", "depths"), [2, 10**7]),
    ("config.json", ("encoder", "hidden_size"), 10**9),
    ("config.json", ("decoder", "d_model"), "768"),
    ("config.json", ("decoder", "vocab_size"), 10**12),
    ("config.json", ("decoder", "vocab_size"), 1.5),
    ("config.json", ("decoder", "max_position_embeddings"), -2),
    ("config.json", ("encoder", "image_size"), [384, 10**9]),
    ("config.json", ("text_config", "inner", "hidden_size"), 10**9),
    ("preprocessor_config.json", ("size", "height"), 10**9),
    ("preprocessor_config.json", ("size",), 10**9),
    ("processor_config.json", ("image_processor", "size", "width"), "wide"),
]


@pytest.mark.parametrize(("name", "path", "value"), ABSURD)
def test_an_absurd_size_is_told_with_its_place(tmp_path: Path, name, path, value):
    base = changed(tmp_path, name, path, value)
    with pytest.raises(PipelineError, match=r"cannot be .*whole number from 0 to") as error:
        demand_sizes(base)
    assert (error.value.where, path[-1] in error.value.what) == (str(base / name), True)


@pytest.mark.parametrize("command", [["check-base"], ["recognize", "--images_dir", ".", "--output_csv", "x", "--base"]])
def test_a_command_tells_it_before_it_makes_a_model(tmp_path: Path, command, monkeypatch: pytest.MonkeyPatch):
    base = changed(tmp_path, *ABSURD[0])
    monkeypatch.setattr(VisionEncoderDecoderModel, "from_pretrained", None)
    told = CliRunner().invoke(cli, [*command, str(base)])
    assert isinstance(told.exception, PipelineError) and "num_hidden_layers cannot be '10000000'" in told.exception.what


def test_the_shipped_bases_and_what_is_no_model_pass(tmp_path: Path):
    for folder in (TINY_KOREAN, place_of(KOREAN_WORDS), tmp_path, tmp_path / "nowhere", "owner/name"):
        demand_sizes(folder)
    (tmp_path / "config.json").write_text("[" * 100_000)
    demand_sizes(tmp_path)
    (tmp_path / "config.json").write_bytes(b"\xff{")
    demand_sizes(tmp_path)
