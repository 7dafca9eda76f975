from __future__ import annotations

import random
import unicodedata

import pytest

from ocr_pipeline.data.review.suspects.finding import AGREED, OPPOSED, find_suspects
from ocr_pipeline.data.review.suspects.judging import is_same, kind_of
from ocr_pipeline.data.review.suspects.planting import PLANTED, plant
from ocr_pipeline.data.review.suspects.shifts import shifted
from ocr_pipeline.data.review.suspects.suspect import Reading, SeenPage, Stray
from ocr_pipeline.page import nfc
from ocr_pipeline_tests.data.review.suspects.making import TEXTS, quad, seen, words


@pytest.mark.parametrize(
    ("label", "reading", "kind"),
    [
        ("한극", "한국", "jamo"),
        ("갑이", "값이", "jamo"),
        ("각나", "가나", "jamo"),
        ("젋은이", "젊은이", "jamo"),
        ("ㅇ", "ㅎ", "jamo"),
        ("한 국", "한국", "space"),
        ("OCR", "ocr", "case"),
        ("１２", "12", "width"),
        ("㈜한국", "(주)한국", "width"),
        ("O12", "012", "lookalike"),
        ("ㅡ", "―", "lookalike"),
        ("대한민국", "大韓民國", "hanja"),
        ("서울특별시", "서울특", "cut"),
        ("서울", "서울특별시", "merged"),
        ("성명", "전화번호", "other"),
    ],
)
def test_kinds(label: str, reading: str, kind: str) -> None:
    assert kind_of(label, reading) == kind


def test_the_same_in_other_spelling_is_no_difference() -> None:
    assert is_same(" 한  국", "한 국 ")
    assert find_suspects(seen(TEXTS, TEXTS)) == []


@pytest.mark.parametrize("length", [2, 5, 12])
@pytest.mark.parametrize("start", [0, 2])
def test_runs_that_moved_are_found_whole(length: int, start: int) -> None:
    labels = list(TEXTS)
    run = slice(start, start + length)
    labels[run] = [*labels[run][1:], labels[run][0]]
    assert set(shifted(labels, TEXTS)) == set(range(start, start + length))


def test_a_page_that_was_misread_has_not_moved() -> None:
    rng = random.Random(1)
    readings = [nfc("".join(rng.sample(text, len(text)))) for text in TEXTS]
    assert shifted(TEXTS, readings) == {}


def test_nothing_moves_beyond_the_page() -> None:
    assert shifted(["가", "나", "다"], ["x", "y", "z"]) == {}
    assert shifted(["가", "나"], ["다", "가"]) == {}
    assert shifted(["가", "나"], ["나", "가"]) == {0: 1, 1: 0}


def test_neighbours_that_say_the_same_prove_nothing() -> None:
    assert shifted(["원", "원", "성명", "원"], ["원", "원", "성병", "원"]) == {}


def test_odds_decide_where_the_reader_knows_them() -> None:
    page = seen(["한극", "성명"], ["한국", "설명"])
    likely = {(0, "한극"): -20.0, (0, "한국"): -1.0, (1, "성명"): -2.0, (1, "설명"): -1.0}
    found = find_suspects(page, lambda asked: [likely[pair] for pair in asked])
    assert [(each.place, each.kind, each.reading) for each in found] == [(0, "jamo", "한국"), (1, "jamo", "설명")]
    assert [each.evidence for each in found] == pytest.approx([19 * 0.9**2, 0.9**2])
    unsure = page._replace(words=tuple(each._replace(readings=(Reading("뜔", 0.3),)) for each in page.words))
    assert all(each.evidence < 3 for each in find_suspects(unsure, lambda asked: [-200.0, -200.0, -1.0, -1.0]))


def test_a_second_reader_agrees_or_does_not() -> None:
    (alone,) = find_suspects(seen(["한극"], ["한국"]))
    (agreed,) = find_suspects(seen(["한극"], ["한국"], ["한국"]))
    (opposed,) = find_suspects(seen(["한극"], ["한국"], ["한극"]))
    assert agreed.evidence == alone.evidence + AGREED
    assert opposed.evidence == alone.evidence + OPPOSED


def test_boxes_without_text_and_text_without_box() -> None:
    (empty,) = find_suspects(seen(["한국"], ["한국"], is_flat=True))
    (none,) = find_suspects(seen(["한국"], ["미련"], covered=0.0))
    assert (empty.kind, empty.reading, none.kind, none.reading) == ("empty", "", "no_text", "")
    strays = (Stray(quad(1), 0.9, Reading("성명", 0.9)), Stray(quad(2), 0.9, Reading("", 0.1)))
    found = find_suspects(SeenPage((), strays))
    assert [(each.place, each.kind, each.reading) for each in found] == [(0, "unlabelled", "성명")]


def test_ignored_words_are_let_alone() -> None:
    page = seen(["###", "성명"], ["성명", "성명"])
    ignored = page.words[0]._replace(word=words(["###"])[0].__class__(0, "###", quad(0), "ignore"))
    assert find_suspects(page._replace(words=(ignored, page.words[1]))) == []


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_errors_are_found_as_their_kind(kind: str) -> None:
    texts = [f"{text}OI1" for text in TEXTS]
    planted = plant(words(texts), random.Random(3), 0.3, [kind])
    assert len(planted.errors) >= 3 and set(planted.errors.values()) == {kind}
    changed = {place for place, word in enumerate(planted.words) if word.text != texts[place]}
    assert changed == set(planted.errors)
    assert all(unicodedata.is_normalized("NFC", word.text) for word in planted.words)
    found = find_suspects(seen([word.text for word in planted.words], texts))
    assert {each.place for each in found} == changed
    assert {each.kind for each in found} <= {kind, "shifted"} if kind == "shifted" else True
    assert sum(each.kind == kind for each in found) >= 0.6 * len(found)


def test_planting_is_the_same_for_the_same_seed() -> None:
    first, again = (plant(words(TEXTS), random.Random(5), 0.5) for _ in range(2))
    assert first == again != plant(words(TEXTS), random.Random(6), 0.5)
    assert plant(words(TEXTS), random.Random(5), 0.0).errors == {}
    assert plant((), random.Random(5), 1.0).errors == {}


def evidence(label: str, reading: str, gain: float) -> float:
    """Of one word whose picture speaks so much more for the reading."""
    (found,) = find_suspects(
        seen([label], [reading]), lambda asked: [0.0 if text == label else gain for _, text in asked]
    )
    return found.evidence


def test_several_letters_that_differ_count_for_less_than_one() -> None:
    """People mistype one letter; a reader misreads several in a word that is hard to read."""
    one, two, many = evidence("한극", "한국", 9.0), evidence("현극", "한국", 9.0), evidence("뺬뭷쳠꿕", "쌌뭞졉꿕", 9.0)
    assert one > two > many > evidence("뺬뭷쳠꿕", "쌌뭞졉꿕", 8.0)
    assert many > one - 5, "another word may have been written all the same"


def test_where_a_reader_cannot_tell_the_odds_are_guessed() -> None:
    guessed = find_suspects(seen(["한극"], ["한국"]))
    assert evidence("한극", "한국", float("nan")) == guessed[0].evidence < evidence("한극", "한국", 12.0)
