"""Pictures that are not what their labels say, corners with a slipped digit, names without room, errors of any kind."""

from __future__ import annotations

import errno
import io

import cv2
import numpy as np
import pytest
from PIL import Image

from ocr_pipeline.data.annotations import AnnotationSettings
from ocr_pipeline.data.annotations.crops import Cropper, PageCrops
from ocr_pipeline.data.annotations.files import crop_name
from ocr_pipeline.data.geometry import slipped_corner
from ocr_pipeline.data.layout_lmdb.samples import place_words
from ocr_pipeline.data.quality import measure_quality, read_quality
from ocr_pipeline.data.quality.report import report_html
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Page, Word
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.annotations.making import TRAIN, build, quad
from ocr_pipeline_tests.trees import HAND_PICTURES, hand_tree, picture, pixels, write_tree

WORD = Word(3, "가", quad(5, 6, 25, 17))


def page_of(*words: Word, size: tuple[int, int] = (60, 40)) -> Page:
    return Page("handwriting", "train", "a.png", *size, "TL/a.json", words)


def crop(*words: Word, data: bytes | None = None, size: tuple[int, int] = (60, 40), **settings) -> PageCrops:
    page = page_of(*words, size=size)
    found = Cropper(AnnotationSettings("lmdb", codec="png", **settings)).crop(
        page, "TS", "0123456789", lambda: picture() if data is None else data
    )
    assert found.counts.add_up
    return found


def shown(found: PageCrops) -> np.ndarray:
    ((_, data),) = found.crops
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


# -- size ------------------------------------------------------------------------------------------------------------


def test_words_are_not_cut_from_a_picture_of_another_size():
    (aside,) = crop(WORD, size=(120, 80)).quarantined
    assert (aside.unit, aside.reason, aside.words) == ("page", "size_differs", 1)
    assert "120x80" in aside.detail and "60x40" in aside.detail


def test_if_so_said_corners_are_scaled_to_the_picture():
    found = crop(Word(0, "가", quad(10, 12, 50, 34)), size=(120, 80), other_size="scale")
    assert np.array_equal(shown(found), pixels()[6:17, 5:25])
    assert found.counts.notes == {"size_scaled": 1}


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("turns", [True, False])
def test_the_size_of_the_label_tells_whether_it_counts_the_turned_picture(orientation, turns):
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(pixels()[..., ::-1]).save(buffer, "PNG", exif=exif)
    with Image.open(io.BytesIO(buffer.getvalue())) as stored:
        from PIL import ImageOps

        page = np.asarray(ImageOps.exif_transpose(stored) if turns else stored)[..., ::-1]
    word = Word(0, "가", quad(5, 6, 25, 17))
    found = crop(word, data=buffer.getvalue(), size=page.shape[1::-1], exif="ignore" if turns else "apply")
    assert np.array_equal(shown(found), page[6:17, 5:25])
    assert found.counts.notes == {"exif_applied" if turns else "exif_not_applied": 1}


# -- corners ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["box", "quad"])
@pytest.mark.parametrize("x", [250, 2_000, 2_000_000, 2_000_000_000, -2_000])
def test_a_slipped_digit_in_a_corner_costs_its_word_alone(shape, x):
    found = crop(WORD, Word(4, "나", ((5, 6), (x, 6), (25, 17), (5, 17))), crop=shape)
    assert [sample.origin.word for sample, _ in found.crops] == [3]
    (aside,) = found.quarantined
    assert (aside.reason, aside.word) == ("corner_slipped", 4) and str(x) in aside.detail and "60x40" in aside.detail


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("slip", [(900, 0), (0, 900), (300, 300)])
def test_a_corner_that_slipped_within_its_picture_is_told_whichever_it_is(place, slip):
    corners = list(quad(90, 60, 170, 100))
    x, y = corners[place]
    corners[place] = x + slip[0], y + slip[1]
    assert slipped_corner(tuple(corners), 2480, 3508) == corners[place]
    (aside,) = place_words(page_of(Word(7, "가", tuple(corners)), WORD), (2480, 3508)).aside
    assert (aside.reason, aside.word) == ("corner_slipped", 7)


@pytest.mark.parametrize("seed", range(20))
def test_words_in_perspective_have_no_slipped_corner(seed):
    rng = np.random.default_rng(seed)
    for _ in range(200):
        width, height = rng.uniform(2, 400, 2)
        near = rng.uniform(0.5, 1)
        bent = np.array([(0, 0), (width, 0), (width, height * near), (0, height)]) + rng.uniform(-1, 1, (4, 2))
        angle = rng.uniform(0, 2 * np.pi)
        turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
        assert slipped_corner(tuple(map(tuple, bent @ turn + 1000)), 2480, 3508) is None


def test_a_quad_larger_than_its_picture_is_set_aside_with_its_size():
    found = crop(WORD, Word(4, "나", quad(-50, -50, 110, 110)), crop="quad")
    (aside,) = found.quarantined
    assert (aside.reason, aside.word) == ("crop_too_large", 4) and "160x160" in aside.detail


def test_a_quad_longer_than_opencv_warps_is_set_aside():
    data = cv2.imencode(".png", np.zeros((20, 34_000), np.uint8))[1].tobytes()
    found = crop(Word(0, "가", quad(2, 2, 33_000, 18)), data=data, size=(34_000, 20), crop="quad")
    assert [aside.reason for aside in found.quarantined] == ["crop_too_large"]


def test_clipped_words_are_counted():
    assert crop(WORD, Word(4, "나", quad(50, 30, 70, 39))).counts.notes == {"words_clipped": 1}


# -- bounds, shortages, the unexpected -------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["png", "jpeg-lossless"])
def test_a_picture_beyond_the_bound_is_set_aside_with_both_numbers(codec):
    page = Page("handwriting", "train", "a.png", 60, 40, "a.json", (WORD,))
    cropper = Cropper(AnnotationSettings("lmdb", codec=codec, max_pixels=2399))
    (aside,) = cropper.crop(page, "", "0", lambda: picture(".jpg")).quarantined
    assert aside.reason == "image_unreadable" and "60x40" in aside.detail and "2,399" in aside.detail


def raising(error: Exception) -> PageCrops:
    def read() -> bytes:
        raise error

    page = Page("handwriting", "train", "a.png", 60, 40, "a.json", (WORD, WORD))
    return Cropper(AnnotationSettings()).crop(page, "", "0", read)


@pytest.mark.parametrize(
    ("error", "lacking"),
    [
        (MemoryError("3200000000 bytes"), "memory"),
        (OSError(errno.ENOMEM, "x"), "memory"),
        (OSError(errno.EMFILE, "x"), "file handles"),
        (OSError(errno.ENFILE, "x"), "file handles"),
        (OSError(errno.ENOSPC, "x"), "disk space"),
    ],
)
def test_what_this_machine_lacks_ends_the_step(error, lacking):
    with pytest.raises(PipelineError, match=f"ran out of {lacking}"):
        raising(error)


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError("deep"), ZeroDivisionError(), cv2.error("odd")])
def test_what_nobody_thought_of_costs_its_page(error, caplog):
    found = raising(error)
    (aside,) = found.quarantined
    assert (aside.unit, aside.reason, aside.words) == ("page", "unexpected", 2)
    assert aside.detail.startswith(type(error).__name__)
    assert found.counts.add_up and caplog.records[-1].exc_info


# -- names -----------------------------------------------------------------------------------------------------------


def test_a_name_without_room_is_shortened_to_one_of_its_own():
    ending = "_000000_0123456789.jpg"
    names = [crop_name("글" * 90, "가" * 82 + last, ending) for last in "나다"]
    assert len(set(names)) == 2 and names == [crop_name("글" * 90, "가" * 82 + last, ending) for last in "나다"]
    for name in names:
        folder, file = name.split("/")
        assert max(len(folder.encode()), len(file.encode())) <= 255
        assert file.startswith("가" * 60) and file.endswith(ending)


def test_a_name_with_room_stays():
    assert crop_name("TS/x", "a.b", "_000003_0.jpg") == "TS/x/a.b_000003_0.jpg"
    assert crop_name("", "a", "_0.jpg") == "a_0.jpg"


# -- what quality says -----------------------------------------------------------------------------------------------


def test_quality_counts_pages_of_another_size(tmp_path, workspace):
    files = hand_tree(3) | {f"{HAND_PICTURES}/R.Free0/IMG_OCR_53_4PR_00001.png": picture(width=80)}
    share = Share(write_tree(tmp_path / "share", files))
    build(share, workspace, "lmdb")
    measure_quality(share, TRAIN, workspace)
    quality = read_quality(workspace.quality(TRAIN.key))
    assert quality.other_size == {"handwriting_annotations_train.lmdb": 1}
    assert "1 pages of handwriting_annotations_train.lmdb whose picture has another size" in report_html([quality])
