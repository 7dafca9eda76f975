import io
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.pictures import decode_picture, page_count, pictures_in

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


def with_hole(data: bytes, start: float, end: float, filling: bytes = b"\0") -> bytes:
    """The picture, a part of its last scan overwritten."""
    scan = data.rfind(b"\xff\xda") + 14
    first, last = (scan + int((len(data) - 2 - scan) * share) for share in (start, end))
    return data[:first] + filling * (last - first) + data[last:]


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
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    assert np.array_equal(decode_picture(data), expected)


# -- damage that ends properly ----------------------------------------------------------------------------------------

BASELINE, OTHER = (
    encoded(Image.fromarray(RGB), "JPEG", quality=95, subsampling=0),
    encoded(Image.fromarray(COARSE), "JPEG"),
)
PROGRESSIVE = encoded(Image.fromarray(RGB), "JPEG", quality=95, progressive=True)
CUT = BASELINE[: int(len(BASELINE) * 0.6)]
SCANS = [place for place in range(len(PROGRESSIVE)) if PROGRESSIVE[place : place + 2] == b"\xff\xda"]


@pytest.mark.parametrize(
    "data",
    [
        with_hole(BASELINE, 0.4, 0.7),
        with_hole(BASELINE, 0.4, 0.7, b"\x55"),
        with_hole(BASELINE, 0.5, 1.0),
        CUT + b"\xff\xd9",
        CUT + OTHER,
        CUT[:-1] + bytes(len(BASELINE) - len(CUT) - 1) + b"\xff\xd9",
        with_hole(encoded(Image.fromarray(RGB).convert("CMYK"), "JPEG", quality=95), 0.3, 0.7),
        PROGRESSIVE[:9000] + bytes(3000) + PROGRESSIVE[12000:],
        PROGRESSIVE[: int(len(PROGRESSIVE) * 0.5)] + b"\xff\xd9",
        PROGRESSIVE[: int(len(PROGRESSIVE) * 0.5)] + bytes(5000) + b"\xff\xd9",
        *(PROGRESSIVE[:scan] + b"\xff\xd9" for scan in SCANS[1:]),
    ],
)
def test_a_jpeg_of_which_the_decoder_has_to_invent_a_part_is_refused(data):
    with pytest.raises(ValueError, match=r"damaged|truncated"):
        decode_picture(data)


def behind_the_tables(data: bytes, stray: bytes) -> bytes:
    return data.replace(b"\xff\xda", stray + b"\xff\xda", 1)


@pytest.mark.parametrize(
    "data",
    [
        behind_the_tables(BASELINE, b"stray"),
        behind_the_tables(BASELINE, bytes(3000)),
        behind_the_tables(BASELINE, b"\xff\xff\xff"),
        BASELINE[:-2] + bytes(4) + BASELINE[-2:],
        BASELINE + OTHER,
    ],
)
def test_bytes_that_belong_to_nothing_do_no_harm(data):
    np.testing.assert_array_equal(decode_picture(data), decode_picture(BASELINE))


def test_what_stands_between_segments_hides_no_hole():
    with pytest.raises(ValueError, match="damaged"):
        decode_picture(behind_the_tables(with_hole(BASELINE, 0.4, 0.7), b"stray"))


# -- bounds of this machine -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF"])
def test_a_picture_beyond_the_bound_is_refused_with_both_numbers(kind):
    data = encoded(Image.fromarray(RGB), kind)
    decode_picture(data, most_pixels=60_000)
    with pytest.raises(ValueError, match=r"300x200 are more than 59,999 pixels"):
        decode_picture(data, most_pixels=59_999)


LIMITED = """
import resource, sys
from ocr_pipeline.storage.files.pictures import decode_picture
data = sys.stdin.buffer.read()
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + (64 << 20),) * 2)
try:
    decode_picture(data)
except (ValueError, MemoryError) as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("kind", "mode", "side", "expected"),
    [
        ("PNG", "RGB", 6000, "MemoryError"),
        ("PNG", "1", 10000, "MemoryError"),
        ("PNG", "LA", 5000, "MemoryError"),
        ("JPEG", "RGB", 6000, "MemoryError"),
        ("TIFF", "RGBA", 5000, "MemoryError"),
        ("PNG", "1", 20000, "ValueError the picture is too large: 20000x20000 are more than 200,000,000 pixels"),
    ],
)
def test_lack_of_memory_is_not_damage_and_bounds_come_before_it(kind, mode, side, expected):
    options = {"compression": "tiff_lzw"} if kind == "TIFF" else {}
    data = encoded(Image.new(mode, (side, side)), kind, **options)
    told = subprocess.run([sys.executable, "-c", LIMITED], input=data, capture_output=True, check=True, timeout=60)
    assert told.stdout.decode().startswith(expected)


# -- what a viewer shows ----------------------------------------------------------------------------------------------


def shown(data: bytes) -> np.ndarray:
    """RGB pixels as a viewer shows them on a white ground."""
    with Image.open(io.BytesIO(data)) as picture:
        if picture.mode.startswith("I"):
            return three((np.asarray(picture) / 257).round())
        white = Image.new("RGBA", picture.size, "white")
        return np.asarray(Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB"), float)


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


COLOURED, GREYISH, BITS = Image.fromarray(RGB), Image.fromarray(GREY), Image.fromarray(GREY > 99)
PALETTE, FIRST = COLOURED.quantize(16), Image.fromarray(RGB[::-1].copy())
FADING, GREY_FADING = Image.fromarray(np.dstack([RGB, GREY])), Image.merge("LA", (GREYISH, FIRST.getchannel(1)))
SIXTEEN = {".png": GREY.astype(np.uint16) * 257, ".tif": RGB.astype(np.uint16) * 257}
VIEWED = {
    "CMYK JPEG": encoded(COLOURED.convert("CMYK"), "JPEG", quality=95),
    "CMYK TIFF": encoded(COLOURED.convert("CMYK"), "TIFF"),
    "RGB JPEG": encoded(COLOURED, "JPEG", keep_rgb=True, quality=95),
    "YCbCr TIFF": encoded(COLOURED.convert("YCbCr"), "TIFF", compression="jpeg"),
    "Lab TIFF": encoded(COLOURED.convert("LAB"), "TIFF"),
    "fax TIFF": encoded(BITS, "TIFF", compression="group4"),
    "inverse TIFF": encoded(GREYISH, "TIFF", tiffinfo={262: 0}),
    "16 bits grey PNG": cv2.imencode(".png", SIXTEEN[".png"])[1].tobytes(),
    "16 bits grey TIFF": encoded(Image.fromarray(SIXTEEN[".png"]), "TIFF"),
    "16 bits colour PNG": cv2.imencode(".png", SIXTEEN[".tif"])[1].tobytes(),
    "16 bits colour TIFF": cv2.imencode(".tif", SIXTEEN[".tif"])[1].tobytes(),
    "palette PNG": encoded(PALETTE, "PNG"),
    "palette TIFF": encoded(PALETTE, "TIFF"),
    "palette BMP": encoded(PALETTE, "BMP"),
    "palette tRNS": encoded(PALETTE, "PNG", transparency=bytes([0, 128, 255] + [200] * 13)),
    "one colour tRNS": encoded(PALETTE, "PNG", transparency=3),
    "grey tRNS": encoded(GREYISH, "PNG", transparency=int(GREY[3, 3])),
    "bits tRNS": encoded(BITS, "PNG", transparency=0),
    "colour tRNS": encoded(COLOURED, "PNG", transparency=tuple(map(int, RGB[3, 3]))),
    "grey alpha PNG": encoded(GREY_FADING, "PNG"),
    "grey alpha TIFF": encoded(GREY_FADING, "TIFF"),
    "alpha PNG": encoded(FADING, "PNG"),
    "alpha TIFF": encoded(FADING, "TIFF"),
    "alpha WebP": encoded(FADING, "WEBP", lossless=True),
    "pages of a TIFF": encoded(COLOURED, "TIFF", save_all=True, append_images=[FIRST]),
    "frames of a PNG": encoded(COLOURED, "PNG", save_all=True, append_images=[FIRST]),
    "frames of a GIF": encoded(PALETTE, "GIF", save_all=True, append_images=[FIRST.quantize(16)]),
    **{f"TIFF orientation {n}": encoded(COLOURED, "TIFF", exif=turned(n)) for n in range(1, 9)},
}


@pytest.mark.parametrize("what", VIEWED)
def test_pixels_are_those_that_a_viewer_shows(what):
    pixels, expected = decode_picture(VIEWED[what], "RGB"), shown(VIEWED[what])
    assert pixels.shape == expected.shape and np.abs(pixels - expected).max() <= 3


def test_the_pages_of_a_tiff_are_counted():
    assert {what: page_count(data) for what, data in VIEWED.items() if page_count(data) != 1} == {"pages of a TIFF": 2}


# -- a folder of pictures --------------------------------------------------------------------------------------------


def test_pictures_are_told_by_their_endings_and_others_are_counted(tmp_path, caplog):
    below = tmp_path / "below"
    below.mkdir()
    for name in ("b.TIF", "a.jpg", "notes.txt", "b.txt", "README", ".hidden", "below/c.tiff", "below/d.pdf"):
        (tmp_path / name).touch()
    assert pictures_in(tmp_path) == [tmp_path / "a.jpg", tmp_path / "b.TIF"]
    assert "3 files are passed over, they are of other kinds (.txt: 2, without ending: 1)" in caplog.text
    assert pictures_in(tmp_path, deep=True) == [tmp_path / "a.jpg", tmp_path / "b.TIF", below / "c.tiff"]
    assert "4 files are passed over, they are of other kinds (.pdf: 1, .txt: 2, without ending: 1)" in caplog.text


def test_a_folder_without_pictures_is_an_error_that_says_what_they_are(tmp_path):
    (tmp_path / "page.pdf").touch()
    with pytest.raises(PipelineError, match="there are no pictures") as told:
        pictures_in(tmp_path)
    assert ".tif" in told.value.remedy
