import shutil

import numpy as np

from ocr_pipeline.data.synthetic.faces import HELD_OUT, Face, judging_faces, korean_faces, package_faces, training_faces


def test_the_package_itself_draws_every_syllable():
    syllables = "".join(map(chr, range(0xAC00, 0xD7A4, 7)))
    for each in package_faces():
        assert each.draws(syllables) and each.draws("A1 (가)")
        assert each.licence == "OFL-1.1" and each.kind == "print" and len(each.fingerprint) > 10


def test_a_letter_that_a_face_lacks_is_not_drawn_in_it():
    assert not any(each.draws("가\U0001f600") for each in package_faces())


def test_a_font_in_ones_own_folder_is_found_by_its_name(tmp_path):
    shutil.copy(package_faces()[1].path, tmp_path / "any.otf")
    found = {each.name: each for each in korean_faces(tmp_path)}
    assert {"Noto Sans KR", "Noto Serif KR"} <= set(found)
    assert len(found) == len(set(found))


def test_no_held_out_face_is_learned_from():
    faces = korean_faces()
    assert not {each.name for each in training_faces(faces)} & HELD_OUT
    assert len(training_faces(faces)) + len(judging_faces(faces)) == len(faces)


def test_what_a_face_draws_leaves_ink_of_its_own_in_every_face_of_this_machine():
    syllables = [chr(code) for code in np.random.default_rng(1).integers(0xAC00, 0xD7A4, 40)]
    for each in korean_faces():
        font = each.sized(40)
        lacking = bytes(font.getmask("\uffff"))
        for syllable in syllables:
            mask = font.getmask(syllable)
            assert each.draws(syllable) == (mask.getbbox() is not None and bytes(mask) != lacking), (
                each.name,
                syllable,
            )


def test_kinds_are_told_by_name(tmp_path):
    kinds = {name: Face(name, tmp_path).kind for name in ("Nanum Pen Script", "BM JUA_TTF", "UnBatang")}
    assert kinds == {"Nanum Pen Script": "hand", "BM JUA_TTF": "sign", "UnBatang": "print"}
