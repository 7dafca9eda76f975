from __future__ import annotations

import random
import unicodedata

from rapidfuzz.distance import Levenshtein

from ocr_pipeline.evaluation.confusions import Edit, confusions, edits, letters_of


def test_letters_are_those_of_unicode():
    assert letters_of("한") == ("ㅎ", "ㅏ", "ㄴ")
    assert letters_of("가") == ("ㄱ", "ㅏ", "")
    assert letters_of("힣") == ("ㅎ", "ㅣ", "ㅎ")
    assert [letters_of(text) for text in ("a", "ㄱ", "漢", "", "가나")] == [None] * 5
    for code in range(0xAC00, 0xD7A4):
        jamo = unicodedata.normalize("NFD", chr(code))
        letters = letters_of(chr(code))
        assert letters is not None and (len(jamo) == 3) == bool(letters[2])


def test_there_are_as_few_edits_as_there_can_be():
    rng = random.Random(1)
    for _ in range(400):
        truth, said = ("".join(rng.choices("가각간나다a1 ", k=rng.randrange(9))) for _ in range(2))
        made = edits(truth, said)
        assert len(made) == Levenshtein.distance(truth, said)
        assert all(edit.truth != edit.said for edit in made)


def test_like_stands_by_like():
    assert edits("각나", "간") == [Edit("각", "간"), Edit("나", "")]
    assert edits("나각", "간") == [Edit("나", ""), Edit("각", "간")]
    assert edits("대한민국", "대힌민국") == [Edit("한", "힌")]


def test_confusions_are_counted_by_position_with_their_places():
    found = {
        (each.kind, each.truth, each.said): each
        for each in confusions(
            [("대한", "대힌"), ("한국", "힌국"), ("민국", "민극"), ("가", ""), ("①", "1"), ("같", "같")]
        )
    }
    vowel = found["vowel", "ㅏ", "ㅣ"]
    assert (vowel.times, vowel.of, vowel.examples) == (2, 4, (0, 1))
    assert found["vowel", "ㅜ", "ㅡ"].times == 1
    assert found["character", "한", "힌"].times == 2
    assert found["character", "가", ""].of == 1
    assert found["character", "①", "1"].examples == (4,)
    assert not any(kind == "first" for kind, _, _ in found)


def test_a_missing_last_consonant_is_one_too():
    (last,) = (each for each in confusions([("각", "가")]) if each.kind == "last")
    assert (last.truth, last.said) == ("ㄱ", "")


def test_a_text_in_parts_is_the_same_text():
    assert confusions([("한글", unicodedata.normalize("NFD", "한글"))]) == []
