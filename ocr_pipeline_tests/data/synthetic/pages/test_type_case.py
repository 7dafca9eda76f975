from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ocr_pipeline.data.synthetic.faces import Face, package_faces
from ocr_pipeline.data.synthetic.pages.case import TypeCase

SANS, SERIF = package_faces()


@dataclass(frozen=True)
class Hangul(Face):
    """A face that lacks figures and Latin."""

    def draws(self, text: str) -> bool:
        return all("가" <= letter <= "힣" for letter in text)


def test_a_face_never_gets_a_letter_that_it_lacks():
    case = TypeCase(package_faces(), np.random.default_rng(0))
    face = Hangul("Hangul", SANS.path)
    assert all(face.draws(text) for text in case.texts(face, 300))


def test_a_kind_without_faces_is_set_in_the_others():
    case = TypeCase(package_faces(), np.random.default_rng(0))
    assert {case.face("hand") for _ in range(20)} == {SANS, SERIF}


def test_words_stand_as_in_sentences_and_are_free_of_spaces():
    words = TypeCase(package_faces(), np.random.default_rng(0)).texts(SANS, 2000)
    assert all(words)
    assert not any(" " in word for word in words)
    assert any(word.endswith(("은", "에서")) for word in words)
    assert any(word[-1] in ",.!?" for word in words)
    assert any(len(word) == 1 for word in words)
    assert len(set(words)) > 1000
