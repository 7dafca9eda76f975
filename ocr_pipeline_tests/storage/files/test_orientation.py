import io

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from ocr_pipeline.storage.files.orientation import orientation_of, upright
from ocr_pipeline.storage.files.pictures import decode_picture

PIXELS = np.random.default_rng(0).integers(0, 255, (16, 32, 3), np.uint8)


def tagged(orientation: int, form: str) -> bytes:
    exif, file = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(PIXELS).save(file, form, exif=exif)
    return file.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_pixels_are_turned_as_pillow_turns_them(orientation, form):
    data = tagged(orientation, form)
    with Image.open(io.BytesIO(data)) as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored))
    assert orientation_of(data) == orientation
    turned = upright(decode_picture(data, "RGB"), data)
    assert turned.shape == expected.shape and np.abs(turned.astype(int) - expected).max() <= (form == "JPEG") * 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_turned_once(orientation):
    data = tagged(orientation, "TIFF")
    with Image.open(io.BytesIO(data)) as stored:
        expected = np.asarray(stored)  # Pillow turns it too
    np.testing.assert_array_equal(upright(decode_picture(data, "RGB"), data), expected)


@pytest.mark.parametrize("data", [b"", b"no picture", tagged(6, "JPEG")[:30], tagged(9, "PNG")])
def test_where_nothing_sensible_is_told_the_pixels_stay_as_they_are(data):
    assert orientation_of(data) == 1
    np.testing.assert_array_equal(upright(PIXELS, data), PIXELS)
