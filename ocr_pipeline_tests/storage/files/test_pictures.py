import io

import cv2
import numpy as np
import pytest
from PIL import Image

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.pictures import decode_picture, pictures_in

COARSE = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
RGB = cv2.resize(COARSE, (300, 200))
GREY = RGB[..., 0]


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def three(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=2)


def with_thumbnail(data: bytes) -> bytes:
    """The JPEG with a whole small JPEG in an APP1 segment before its own pixels."""
    inner = encoded(Image.fromarray(COARSE), "JPEG")
    return data[:2] + b"\xff\xe1" + (len(inner) + 2).to_bytes(2, "big") + inner + data[2:]


JPEG = encoded(Image.fromarray(RGB), "JPEG", quality=95)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encoded(Image.fromarray(RGB), "PNG"), RGB),
        (encoded(Image.fromarray(GREY), "PNG"), three(GREY)),
        (encoded(Image.fromarray(GREY > 99), "PNG"), three((GREY > 99) * np.uint8(255))),
        (cv2.imencode(".png", GREY.astype(np.uint16) * 257)[1].tobytes(), three(GREY)),
        (encoded(Image.fromarray(GREY, "L").convert("P"), "PNG"), three(GREY)),
        (encoded(Image.fromarray(np.dstack([RGB, np.full_like(GREY, 255)])), "PNG"), RGB),
        (encoded(Image.fromarray(np.dstack([RGB, np.zeros_like(GREY)])), "PNG"), np.full_like(RGB, 255)),
        (encoded(Image.fromarray(RGB), "BMP"), RGB),
        (encoded(Image.fromarray(RGB), "TIFF", compression="tiff_lzw"), RGB),
        (encoded(Image.fromarray(RGB), "WEBP", lossless=True), RGB),
    ],
)
def test_every_kind_becomes_bytes_in_the_order_asked_for(data, expected):
    pixels = decode_picture(data)
    assert pixels.dtype == np.uint8 and pixels.flags.c_contiguous
    np.testing.assert_array_equal(pixels[..., ::-1], expected)
    rgb = decode_picture(data, "RGB")
    assert rgb.flags.c_contiguous
    np.testing.assert_array_equal(rgb, expected)


def test_transparency_lies_on_white():
    half = np.dstack([np.zeros_like(RGB), np.full_like(GREY, 128)])
    assert (decode_picture(encoded(Image.fromarray(half), "PNG")) == 127).all()


def test_exif_does_not_turn_the_picture():
    turned = Image.Exif()
    turned[0x0112] = 6
    pixels = decode_picture(encoded(Image.fromarray(RGB), "JPEG", quality=95, exif=turned))
    np.testing.assert_array_equal(pixels, decode_picture(JPEG))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF"])
@pytest.mark.parametrize("share", [0.5, 0.98])
def test_half_a_picture_is_refused(kind, share):
    data = encoded(Image.fromarray(RGB), kind)
    decode_picture(data)
    with pytest.raises(ValueError, match=r"truncated|decoded"):
        decode_picture(data[: int(len(data) * share)])


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_picture():
    data = with_thumbnail(JPEG)
    np.testing.assert_array_equal(decode_picture(data), decode_picture(JPEG))
    with pytest.raises(ValueError, match="truncated"):
        decode_picture(data[:-200])


def test_what_follows_the_end_does_no_harm():
    np.testing.assert_array_equal(decode_picture(JPEG + b"\0" * 100), decode_picture(JPEG))


@pytest.mark.parametrize("data", [b"", b"<html>not found</html>", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(ValueError, match=r"empty|truncated|decoded"):
        decode_picture(data)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize(("mode", "quality"), [("RGB", 30), ("RGB", 95), ("L", 90), ("CMYK", 90)])
def test_jpegs_have_the_pixels_of_opencv(mode, quality, subsampling, progressive):
    settings = {"quality": quality, "subsampling": subsampling, "progressive": progressive}
    data = encoded(Image.fromarray(RGB[:187, :251]).convert(mode), "JPEG", **settings)
    damaged = bytearray(data)
    damaged[len(data) // 2 : len(data) // 2 + 20] = bytes(20)
    for one in (data, bytes(damaged)):
        expected = cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        assert np.array_equal(decode_picture(one), expected)


# -- a folder of pictures --------------------------------------------------------------------------------------------


def test_pictures_are_told_by_their_endings_and_others_are_counted(tmp_path, caplog):
    below = tmp_path / "below"
    below.mkdir()
    for name in ("b.TIF", "a.jpg", "notes.txt", "b.txt", "README", ".hidden", "below/c.tiff", "below/d.pdf"):
        (tmp_path / name).touch()
    assert pictures_in(tmp_path) == [tmp_path / "a.jpg", tmp_path / "b.TIF"]
    assert "3 files are passed over, they are no pictures (.txt: 2, without ending: 1)" in caplog.text
    assert pictures_in(tmp_path, deep=True) == [tmp_path / "a.jpg", tmp_path / "b.TIF", below / "c.tiff"]
    assert "4 files are passed over, they are no pictures (.pdf: 1, .txt: 2, without ending: 1)" in caplog.text


def test_a_folder_without_pictures_is_an_error_that_says_what_they_are(tmp_path):
    (tmp_path / "page.pdf").touch()
    with pytest.raises(PipelineError, match="there are no pictures") as told:
        pictures_in(tmp_path)
    assert ".tif" in told.value.remedy
