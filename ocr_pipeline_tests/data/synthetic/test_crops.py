from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocr_pipeline.data.synthetic.crops import CropDrawing, draw_crop, plain_crop
from ocr_pipeline.data.synthetic.faces import Face, package_faces
from ocr_pipeline.data.synthetic.grounds import stamped, struck_out
from ocr_pipeline.data.synthetic.hanja import SCHOOL_HANJA
from ocr_pipeline.data.synthetic.lettering import Lettering, hand_set, machine_set, type_struck, upright_set
from ocr_pipeline.data.synthetic.texts import COMMON, LONGEST, LONGEST_WORD, SYLLABLES, Texts, read_corpus

DRAWING = CropDrawing(package_faces(), seed=3)


def numbered(index, drawing=DRAWING):
    crop = drawing.crop(index)
    return crop.text, crop.face, crop.pixels.shape, crop.pixels.tobytes()


def test_a_crop_depends_on_seed_and_index_alone():
    there = [numbered(index) for index in range(20)]
    assert [numbered(index) for index in reversed(range(20))] == there[::-1]
    assert numbered(3, replace(DRAWING, seed=4)) != there[3]


def test_crops_are_pictures_of_words_with_ink():
    for index in range(200):
        pixels, text, face = DRAWING.crop(index)
        assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 and min(pixels.shape[:2]) >= 4
        assert 0 < len(text) <= LONGEST_WORD + 2 and text == text.strip()
        assert face in {each.name for each in package_faces()}
        assert pixels.max() - pixels.min() > 10, text


def test_a_face_that_lacks_letters_is_given_other_words():
    half = Face("Half", package_faces()[0].path)
    half.__dict__["draws"] = lambda text: text.isascii()
    drawing = CropDrawing((half,), seed=1)
    assert all(drawing.crop(index).text.isascii() for index in range(20))


def test_faces_that_draw_nothing_are_an_error():
    blank = Face("Blank", package_faces()[0].path)
    blank.__dict__["draws"] = lambda text: False
    with pytest.raises(ValueError, match="nothing can be drawn"):
        CropDrawing((blank,)).crop(0)


def test_letters_have_boxes_that_hold_their_ink():
    rng = np.random.default_rng(0)
    for setting in (machine_set, hand_set, type_struck, upright_set):
        lettering = setting("가나 다1", package_faces()[1], 32, rng)
        assert len(lettering.boxes) == 4
        assert (lettering.weights() > 0).all()
        alone = np.zeros_like(lettering.cover)
        for x0, y0, x1, y1 in lettering.boxes:
            alone[y0:y1, x0:x1] = lettering.cover[y0:y1, x0:x1]
        assert np.array_equal(alone, lettering.cover)


def test_a_word_that_lost_a_letter_is_not_a_crop(monkeypatch):
    from ocr_pipeline.data.synthetic import looks

    def without_its_beginning(cover, *_):
        emptied = cover.copy()
        emptied[:, : cover.shape[1] // 3] = 0
        return emptied

    for look in ("bolder", "thinner", "worn", "dotted", "waving", "pen_drawn"):
        monkeypatch.setattr(looks, look, without_its_beginning)
    drawn = [draw_crop("가나다", package_faces()[0], np.random.default_rng(seed), clean=0.0) for seed in range(60)]
    assert sum(crop is None for crop in drawn) > 15


def test_a_plain_crop_is_dark_on_white():
    crop = plain_crop("한글", package_faces()[0], np.random.default_rng(0))
    assert crop.max() == 255 and crop.min() < 60 and (crop[0] == 255).all()


def test_texts_of_all_kinds_come():
    texts = Texts(np.random.default_rng(0), ("말뭉치",))
    words = [texts.word() for _ in range(3000)]
    letters = set("".join(words))
    assert len(letters & set(SYLLABLES)) > 2500 and len(letters & set(SYLLABLES) - set(COMMON)) > 1000
    assert letters >= set("0123456789.,-()%") and "말뭉치" in words
    assert any(word.isascii() and word.isalpha() for word in words) and any(" " in word for word in words)
    assert all(len(word) <= LONGEST_WORD + 2 for word in words)


def test_lines_have_spaces_and_an_end():
    texts = Texts(np.random.default_rng(0))
    lines = [texts.line() for _ in range(100)]
    assert all(6 <= len(line) <= LONGEST for line in lines if line) and sum(" " in line for line in lines) > 70


def test_a_corpus_is_read_with_and_without_flags(tmp_path: Path):
    path = tmp_path / "ko.dic"
    path.write_text("3\n가게/25\n가게/30\n나무 하늘\n", encoding="utf-8")
    assert read_corpus(path) == ("3", "가게", "나무", "하늘")


def test_looks_keep_their_size():
    from ocr_pipeline.data.synthetic import looks

    rng = np.random.default_rng(0)
    lettering: Lettering = machine_set("가나", package_faces()[0], 32, rng)
    cover = cv2.copyMakeBorder(lettering.cover, 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=0)
    for changed in (
        looks.bolder(cover, 2),
        looks.thinner(cover, 0.5),
        looks.worn(cover, rng),
        looks.dotted(cover, 32, rng),
        looks.pen_drawn(cover, 32, rng),
        looks.outline(cover, 1),
        looks.shifted(cover, 2, 1),
        looks.waving(cover, 32, 0.02, rng),
        looks.arched(cover, 4.0),
    ):
        assert changed.shape == cover.shape and changed.dtype == np.uint8 and changed.any()
        assert not np.array_equal(changed, cover)


def test_upright_words_go_down_with_figures_in_pairs_and_brackets_that_lie():
    face, rng = package_faces()[0], np.random.default_rng(0)
    tall, wide = upright_set("서울역", face, 32, rng), machine_set("서울역", face, 32, rng)
    assert tall.cover.shape[0] > 2 * tall.cover.shape[1] and wide.cover.shape[1] > 2 * wide.cover.shape[0]
    tops = [top for _, top, _, _ in upright_set("제24호", face, 32, rng).boxes]
    assert tops[0] < tops[1] and abs(tops[1] - tops[2]) < 4 and tops[2] < tops[3]
    ((left, top, right, bottom),) = upright_set("(", face, 32, rng).boxes
    assert right - left > bottom - top


def test_upright_words_and_lines_come_by_their_shares():
    drawing = replace(DRAWING, upright=1.0, lines=0.0)
    tall = [crop for crop in map(drawing.crop, range(40)) if 3 <= len(crop.text) <= 12]
    assert sum(crop.pixels.shape[0] > crop.pixels.shape[1] for crop in tall) > 0.8 * len(tall)
    lines = [crop.text for crop in map(replace(DRAWING, lines=1.0).crop, range(40))]
    assert max(map(len, lines)) > 25 and all(len(line) <= LONGEST for line in lines)
    assert sum(" " in line for line in lines) > 30


def test_what_a_typewriter_strikes_is_uneven_and_evenly_spaced():
    lettering = type_struck("가가가가가", package_faces()[1], 32, np.random.default_rng(2))
    steps = np.diff([left for left, *_ in lettering.boxes])
    assert np.ptp(steps) <= 4
    assert np.ptp(lettering.weights()) > 0.1 * lettering.weights().max()


@pytest.mark.parametrize("across", [lambda p, rng: struck_out(p, np.zeros(3, np.float32), 24, rng), stamped])
def test_strokes_and_seals_cross_a_word_and_hide_little_of_it(across):
    blank = np.full((40, 160, 3), 240, np.float32)
    changed = [np.abs(across(blank, np.random.default_rng(seed)) - blank).max(axis=2) > 20 for seed in range(30)]
    assert sum(bool(mask.any()) for mask in changed) > 25
    assert np.mean([mask.mean() for mask in changed]) < 0.3


def test_the_hanja_of_schools_are_1800_and_come():
    assert len(set(SCHOOL_HANJA)) == 1800
    texts = Texts(np.random.default_rng(1))
    drawn = set("".join(texts.word() for _ in range(6000)))
    assert len(drawn & set(SCHOOL_HANJA)) > 100
