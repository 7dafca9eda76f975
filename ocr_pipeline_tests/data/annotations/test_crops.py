from __future__ import annotations

import io
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from ocr_pipeline.data.annotations import AnnotationSettings
from ocr_pipeline.data.annotations.crops import Cropper, CropSample, Origin, PageCrops
from ocr_pipeline.page import Page, Word
from ocr_pipeline_tests.data.annotations.making import quad
from ocr_pipeline_tests.trees import picture, pixels


def crop(*words: Word, data: bytes | None = None, size: tuple[int, int] = (60, 40), **settings) -> PageCrops:
    page = Page("handwriting", "train", "a.b.png", *size, "TL/a.b.json", words)
    cropper = Cropper(AnnotationSettings("lmdb", **settings))
    found = cropper.crop(page, "TS/x", "0123456789", lambda: picture() if data is None else data)
    assert found.counts.add_up
    return found


def jpeg(pixels_: np.ndarray, quality: int = 95) -> bytes:
    return cv2.imencode(".jpg", pixels_, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def decoded(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


WORD = Word(3, "가", quad(5, 6, 25, 17))


@pytest.mark.parametrize("extension", [".png", ".jpg"])
def test_a_crop_is_the_slice_of_the_decoded_page(extension):
    data = picture(extension)
    ((sample, crop_bytes),) = crop(WORD, data=data).crops
    assert crop_bytes == jpeg(decoded(data)[6:17, 5:25])
    origin = Origin("TL/a.b.json", "a.b.png", 3, (5, 6, 25, 17))
    assert sample == CropSample("TS/x/a.b_000003_0123456789.jpg", "가", len(crop_bytes), zlib.crc32(crop_bytes), origin)


def test_a_rotated_word_is_cut_out_upright_with_all_its_corners():
    ((sample, crop_bytes),) = crop(Word(0, "가", ((20, 5), (40.5, 9), (38, 20.2), (17.5, 16)))).crops
    assert sample.origin.box == (17, 5, 41, 21)
    assert crop_bytes == jpeg(pixels()[5:21, 17:41])


@pytest.mark.parametrize(
    ("box", "clipped"),
    [
        ((-4, 6, 25, 17), (0, 6, 25, 17)),
        ((5, -9, 25, 17), (5, 0, 25, 17)),
        ((50, 30, 80, 90), (50, 30, 60, 40)),
        ((-5, -5, 500, 500), (0, 0, 60, 40)),
        ((0, 0, 1, 1), (0, 0, 1, 1)),
    ],
)
def test_boxes_are_clipped_to_the_picture(box, clipped):
    left, top, right, bottom = clipped
    ((sample, crop_bytes),) = crop(Word(0, "가", quad(*box))).crops
    assert sample.origin.box == clipped
    assert crop_bytes == jpeg(pixels()[top:bottom, left:right])


@pytest.mark.parametrize("shape", ["box", "quad"])
@pytest.mark.parametrize(
    "box", [(60, 0, 70, 10), (0, 40, 10, 50), (-20, 0, 0, 10), (-20, -20, -1, -1), (500, 500, 510, 510)]
)
def test_words_outside_are_set_aside(box, shape):
    (aside,) = crop(Word(7, "가", quad(*box)), crop=shape, margin="30").quarantined
    assert (aside.unit, aside.reason, aside.word) == ("word", "word_outside", 7)
    assert "60x40" in aside.detail


def test_words_without_legible_text_give_no_crop():
    found = crop(Word(0, "가", quad(5, 6, 25, 17)), Word(1, "xxx", quad(5, 6, 25, 17), "ignore"))
    assert [sample.origin.word for sample, _ in found.crops] == [0]
    assert [(aside.reason, aside.word) for aside in found.quarantined] == [("word_ignored", 1)]


def test_blanks_around_a_label_go_and_blanks_within_stay():
    ((sample, _),) = crop(Word(0, " 제 목 ", quad(5, 6, 25, 17))).crops
    assert sample.text == "제 목"


def test_the_label_as_it_was_written_stands_beside_the_composed_one():
    found = crop(Word(0, "가", quad(5, 6, 25, 17), raw_text="가"), Word(1, "나", quad(5, 6, 25, 17)))
    assert [sample.origin.raw for sample, _ in found.crops] == ["가", None]


@pytest.mark.parametrize("codec", ["jpeg", "jpeg-lossless", "png"])
@pytest.mark.parametrize("data", [picture()[:-30], picture(".jpg")[:200], b"", b"\x00\x05\x16\x07Mac OS X"])
def test_half_a_picture_takes_its_words_along(data, codec):
    found = crop(Word(0, "가", quad(5, 6, 25, 17)), Word(1, "나", quad(5, 6, 25, 17)), data=data, codec=codec)
    (aside,) = found.quarantined
    assert (aside.unit, aside.reason, aside.words, aside.image) == ("page", "image_unreadable", 2, "a.b.png")
    assert aside.detail
    assert (found.crops, found.counts.pages_out) == ([], 0)


def test_a_picture_that_is_gone_takes_its_words_along():
    def gone() -> bytes:
        raise FileNotFoundError("a.png")

    page = Page("handwriting", "train", "a.png", 60, 40, "a.json", (WORD,))
    (aside,) = Cropper(AnnotationSettings()).crop(page, "", "0", gone).quarantined
    assert (aside.reason, aside.words) == ("image_unreadable", 1)


def test_if_so_said_the_page_need_not_be_as_large_as_its_label_says():
    page = Page("handwriting", "train", "a.png", 6000, 4000, "a.json", (Word(0, "가", quad(50, 30, 80, 90)),))
    ((sample, _),) = Cropper(AnnotationSettings(other_size="ignore")).crop(page, "", "0", picture).crops
    assert (sample.name, sample.origin.box) == ("a_000000_0.jpg", (50, 30, 60, 40))


# -- margin, shape, size ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("margin", "box"), [("3", (2, 3, 28, 20)), ("10%", (3, 4, 27, 19)), ("8", (0, 0, 33, 25))])
def test_a_margin_widens_the_box_as_far_as_the_picture_goes(margin, box):
    ((sample, crop_bytes),) = crop(WORD, margin=margin).crops
    assert sample.origin.box == box
    assert crop_bytes == jpeg(pixels()[box[1] : box[3], box[0] : box[2]])


def test_an_upright_quad_is_its_slice():
    ((sample, crop_bytes),) = crop(WORD, crop="quad", codec="png").crops
    assert np.array_equal(decoded(crop_bytes), pixels()[6:17, 5:25])
    assert (sample.origin.box, sample.origin.quad) == ((5, 6, 25, 17), WORD.quad)


def test_an_upright_quad_with_a_margin_is_the_wider_slice():
    ((_, crop_bytes),) = crop(WORD, crop="quad", codec="png", margin="4").crops
    assert np.array_equal(decoded(crop_bytes), pixels()[2:21, 1:29])


def test_a_turned_quad_comes_out_as_its_first_corner_says():
    left, top, right, bottom = 5, 6, 25, 17
    upside_down = ((right, bottom), (left, bottom), (left, top), (right, top))
    ((_, crop_bytes),) = crop(Word(0, "가", upside_down), crop="quad", codec="png").crops
    assert np.array_equal(decoded(crop_bytes), pixels()[17 - 1 : 6 - 1 : -1, 25 - 1 : 5 - 1 : -1])


def test_text_that_runs_downwards_stays_tall():
    ((_, crop_bytes),) = crop(Word(0, "가나다", quad(5, 3, 15, 33)), crop="quad").crops
    assert decoded(crop_bytes).shape == (30, 10, 3)


def test_a_slanted_quad_is_rectified():
    """A picture of a slanted word, made from an upright one, gives the upright one back."""
    upright = np.zeros((20, 60, 3), np.uint8)
    upright[5:15, 10:50] = (40, 200, 90)
    upright[5:15, 10:20] = (250, 10, 10)
    corners = np.array([(40, 20), (95, 44), (87, 62), (32, 38)], np.float32)
    edges = np.array([(0, 0), (60, 0), (60, 20), (0, 20)], np.float32)
    page = cv2.warpPerspective(upright, cv2.getPerspectiveTransform(edges, corners), (140, 100))
    word = Word(0, "가", tuple((float(x), float(y)) for x, y in corners))
    data = cv2.imencode(".png", page)[1].tobytes()
    ((_, crop_bytes),) = crop(word, crop="quad", codec="png", data=data, size=(140, 100)).crops
    found = decoded(crop_bytes)
    assert found.shape == (20, 60, 3)
    assert np.abs(found.astype(int) - upright)[2:-2, 2:-2].mean() < 6


@pytest.mark.parametrize("corners", [((5, 5), (25, 17), (25, 5), (5, 17)), ((5, 5), (25, 5), (30, 5), (10, 5.2))])
def test_corners_that_cross_or_enclose_nothing_are_set_aside(corners):
    (aside,) = crop(Word(0, "가", corners), crop="quad").quarantined
    assert aside.reason == "quad_degenerate"


def test_small_words_are_filtered_not_lost():
    found = crop(WORD, Word(1, "나", quad(5, 6, 25, 13)), Word(2, "다", quad(58, 6, 90, 30)), min_size=8)
    assert [sample.origin.word for sample, _ in found.crops] == [3]
    assert found.counts.filtered == {"too_small": 2}
    assert not found.quarantined


# -- text ------------------------------------------------------------------------------------------------------------


def test_text_filters_count_by_reason(tmp_path):
    charset = tmp_path / "charset.txt"
    charset.write_text("가나다\n라 마바사", encoding="utf-8")
    texts = ["가", "가나", "가 나", "가나다라마", "갸나", "나다라"]
    words = [Word(number, text, quad(5, 6, 25, 17)) for number, text in enumerate(texts)]
    found = crop(*words, min_chars=2, max_chars=4, charset=charset)
    assert [sample.text for sample, _ in found.crops] == ["가나", "가 나", "나다라"]
    assert found.counts.filtered == {"too_short": 1, "too_long": 1, "not_in_charset": 1}


def test_a_label_is_counted_in_composed_characters():
    assert crop(Word(0, "한글", quad(5, 6, 25, 17)), max_chars=2).counts.words_out == 1


# -- codec -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "extension", "form"), [("jpeg", "jpg", "JPEG"), ("png", "png", "PNG"), ("webp", "webp", "WEBP")]
)
def test_codecs(codec, extension, form):
    ((sample, crop_bytes),) = crop(WORD, codec=codec).crops
    assert Image.open(io.BytesIO(crop_bytes)).format == form
    assert sample.name.endswith(f".{extension}")
    error = np.abs(decoded(crop_bytes).astype(int) - pixels()[6:17, 5:25]).mean()
    assert error == 0 if codec == "png" else 0 < error < 40


def test_quality_is_that_of_the_settings():
    ((_, crop_bytes),) = crop(WORD, quality=40).crops
    assert crop_bytes == jpeg(pixels()[6:17, 5:25], quality=40)


# -- EXIF ------------------------------------------------------------------------------------------------------------


def with_orientation(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(pixels()[..., ::-1]).save(buffer, "JPEG", quality=95, subsampling=0, exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_is_applied_only_where_labels_count_so(orientation):
    from PIL import ImageOps

    data = with_orientation(orientation)
    stored = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))[..., ::-1]
    turned = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))[..., ::-1]
    for policy, page in (("ignore", stored), ("apply", turned)):
        ((_, crop_bytes),) = crop(WORD, data=data, size=page.shape[1::-1], exif=policy, codec="png").crops
        assert np.abs(decoded(crop_bytes).astype(int) - page[6:17, 5:25]).max() <= 1
