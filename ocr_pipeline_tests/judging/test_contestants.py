"""Who is judged: their names, and programs of other projects as they really answer."""

from __future__ import annotations

import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.judging.contestants import Contestant, Opening, open_contestants
from ocr_pipeline.judging.contestants.tesseract import _Piece, _seen, _words
from ocr_pipeline.judging.settings import Judging
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.judging.making import picture, quad

THEIRS = """
class RapidOCR:
    def __call__(self, picture, **_):
        print("loading", flush=True)
        height, width = picture.shape[:2]
        return [[[0, 0], [width, 0], [width, height], [0, height]], [[0, 0], [4, 0], [6, 2], [4, 4], [0, 4]]], None
"""


def opened(name: str, workspace: Workspace, stack: ExitStack) -> Contestant:
    (contestant,) = open_contestants([name], Opening(workspace, "cpu", 8, stack))
    return contestant


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("nobody", "there is no such contestant"),
        ("champion", "not published"),
        ("before", "no champion before"),
        ("reader=only.pth", "a detector and a recognizer"),
        ("rapidocr=/nowhere/python", "cannot be asked"),
        ("rapidocr-onnxruntime=/bin/true", "it ended"),
    ],
)
def test_who_is_not_there_is_said(name: str, what: str, workspace: Workspace) -> None:
    with ExitStack() as stack, pytest.raises(PipelineError, match=what):
        opened(name, workspace, stack)


def test_a_program_in_its_own_environment_is_asked_picture_by_picture(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rapidocr_onnxruntime.py").write_text(THEIRS)
    for package in ("rapidocr_onnxruntime", "onnxruntime"):
        told = tmp_path / f"{package}-1.4.4.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(f"Name: {package}\nVersion: 1.4.4\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with ExitStack() as stack:
        theirs = opened(f"rapidocr-onnxruntime={sys.executable}", workspace, stack)
        assert theirs.version == "rapidocr-onnxruntime 1.4.4, onnxruntime 1.4.4"
        assert theirs.look and theirs.read is None and not theirs.reads_pages
        for width in (30, 50):
            whole, outline = theirs.look(np.zeros((20, width, 3), np.uint8))
            assert whole.quad == ((0, 0), (width, 0), (width, 20), (0, 20)) and len(outline.quad) == 4


@pytest.mark.skipif(not shutil.which("tesseract"), reason="tesseract is not installed")
def test_tesseract_reads_crops_in_their_order_and_pages_with_boxes(workspace: Workspace) -> None:
    pixels = picture(("2024", "1357"))
    with ExitStack() as stack:
        tesseract, as_block = (opened(name, workspace, stack) for name in ("tesseract", "tesseract=6"))
        assert tesseract.read and as_block.look and as_block.read is None
        blank = np.full((40, 60, 3), 255, np.uint8)
        said = tesseract.read([pixels[20:60, 220:380], blank, pixels[20:60, 20:180]])
        assert [said[0].text, said[2].text] == ["1357", "2024"]
        assert said[0].confidence > 0.5
        seen = as_block.look(pixels)
    assert [word.text for word in seen] == ["2024", "1357"]
    assert all(abs(word.quad[0][0] - quad(place)[0][0]) < 12 for place, word in enumerate(seen))
    assert as_block.name == "Tesseract psm 6" and "kor+eng" in tesseract.version


@pytest.mark.slow
def test_shipped_weights_and_the_same_ones_by_their_paths_see_the_same(workspace: Workspace) -> None:
    from ocr_pipeline.models import FAST_KOREAN

    with ExitStack() as stack:
        both = [opened(name, workspace, stack) for name in ("shipped", f"reader={FAST_KOREAN},korean_words")]
        seen = [each.look(picture(("서울", "대한", "한국"))) for each in both if each.look]
        assert seen[0] and seen[0] == seen[1]
        assert both[1].name == "fast_korean/detector.pth + korean_words"
        alone = opened("recognizer=korean_words", workspace, stack)
        crop = picture(("서울",))[20:60, 20:180]
        assert alone.read and both[0].read and alone.read([crop]) == both[0].read([crop])
        boxes = opened(f"detector={FAST_KOREAN}", workspace, stack)
        assert boxes.look and len(boxes.look(picture(("서울",)))) >= 1


def test_syllables_that_tesseract_boxes_apart_are_one_word_as_in_its_text() -> None:
    pieces = [
        _Piece((10 * place, place, 10 * place + 9, 20), text, 0.9 - place / 10) for place, text in enumerate("대한민국")
    ]
    first, second = (_seen(word) for word in _words(["대", "한민국"], pieces))
    assert (first.text, second.text) == ("대", "한민국")
    assert second.quad == ((10, 1), (39, 1), (39, 20), (10, 20)) and second.confidence == pytest.approx(0.6)
    assert [len(word) for word in _words(["다른", "글"], pieces)] == [1, 1, 1, 1]


def test_settings_say_who_there_is() -> None:
    from ocr_pipeline.judging.contestants import KINDS
    from ocr_pipeline.settings import settings_in

    (named,) = [each for each in settings_in(Judging) if each.name == "contestant"]
    assert all(kind in named.help for kind in KINDS)
