"""Whatever somebody has of a picture is taken, and what is none is told by what it is."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.given_pictures import rgb_pixels

RGB = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_a_picture_is_the_same_in_every_form(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(RGB))
    for form in (RGB, png(RGB), Image.fromarray(RGB), tmp_path / "a.png", str(tmp_path / "a.png")):
        assert np.array_equal(rgb_pixels(form), RGB)


def test_grey_becomes_coloured_and_what_is_transparent_lies_on_white() -> None:
    grey = RGB[..., 0]
    for form in (grey, grey[..., None], Image.fromarray(grey), png(grey)):
        assert np.array_equal(rgb_pixels(form), np.repeat(grey[..., None], 3, axis=2))
    alpha = np.zeros((4, 5, 1), np.uint8)
    alpha[:2] = 255
    clear = np.concatenate([RGB, alpha], axis=2)
    expected = np.where(alpha == 255, RGB, 255)
    for form in (clear, Image.fromarray(clear), png(clear)):
        assert np.array_equal(rgb_pixels(form), expected)


def test_sixteen_bits_of_pillow_become_eight_as_those_of_a_file_do() -> None:
    deep = np.linspace(0, 65535, 20).astype(np.uint16).reshape(4, 5)
    expected = np.repeat(np.rint(deep / 257).astype(np.uint8)[..., None], 3, axis=2)
    assert np.array_equal(rgb_pixels(Image.fromarray(deep)), expected)
    assert np.array_equal(rgb_pixels(png(deep)), expected)


@pytest.mark.parametrize(
    ("given", "got"),
    [
        (RGB.astype(np.float32), "float32, [4, 5, 3]"),
        (np.zeros((2, 4, 5, 3), np.uint8), "uint8, [2, 4, 5, 3]"),
        (np.zeros((0, 5, 3), np.uint8), "uint8, [0, 5, 3]"),
        (None, "NoneType"),
        (Image.fromarray(np.zeros((4, 5), np.float32)), "mode F"),
        (Image.fromarray(np.zeros((4, 5), np.int32)), "mode I"),
        ("a\0.png", "embedded null"),
        (b"no picture", "10 bytes"),
        ("/nowhere/a.png", "/nowhere/a.png"),
        (Path(__file__), "test_given_pictures.py"),
    ],
)
def test_what_is_no_picture_is_told_by_what_it_is(given: object, got: str) -> None:
    with pytest.raises(PipelineError) as refused:
        rgb_pixels(given)
    assert got in str(refused.value) and refused.value.remedy
