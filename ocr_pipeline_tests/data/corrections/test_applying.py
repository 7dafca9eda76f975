from __future__ import annotations

from dataclasses import replace as replaced

from msgspec.structs import replace

from ocr_pipeline.data.corrections import Correction, Corrections, apply_corrections
from ocr_pipeline.data.datasets import Parsed
from ocr_pipeline.page import Page, Word
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline_tests.data.corrections.making import NOON, said

QUAD = ((0.0, 0.0), (9.0, 0.0), (9.0, 5.0), (0.0, 5.0))
WIDER = ((0.0, 0.0), (12.5, 0.0), (12.5, 5.0), (0.0, 5.0))


def page(*texts: str) -> Page:
    row = said(0, 0, "")
    words = tuple(Word(place, text, QUAD) for place, text in enumerate(texts))
    return Page("handwriting", "train", row.image, 60, 40, row.label, words)


def applied(*rows: Correction, texts: tuple[str, ...] = ("한극", "나라")) -> Parsed:
    counts = Counts(pages_in=1, pages_out=1, words_in=len(texts), words_out=len(texts))
    total = Parsed([], [], Counts())
    for part in apply_corrections([Parsed([page(*texts)], [], counts)], page().label, Corrections.of(rows)):
        total = replaced(
            total,
            pages=total.pages + part.pages,
            quarantined=total.quarantined + part.quarantined,
            counts=total.counts + part.counts,
        )
    assert total.counts.add_up
    return total


def texts(parsed: Parsed) -> list[str]:
    return [word.text for word in parsed.pages[0].words]


def test_a_word_that_still_reads_so_gets_its_new_text() -> None:
    made = applied(said(0, 0, "한극", after="한국"))
    assert texts(made) == ["한국", "나라"]
    assert made.counts.notes == {"corrections_applied": 1}
    assert not made.quarantined


def test_ignored_deleted_and_moved_words() -> None:
    made = applied(
        said(0, 0, "한극", "ignore"),
        said(0, 1, "나라", "delete"),
        said(0, 0, "한극", "quad", after_quad=WIDER, minutes=1),
    )
    (word,) = made.pages[0].words
    assert (word.state, word.text, word.quad) == ("ignore", "한극", WIDER)
    assert [record.reason for record in made.quarantined] == ["deleted_in_review"]
    assert made.counts.words_out == 1
    assert made.counts.notes["words_ignored"] == 1


def test_what_no_longer_holds_is_set_aside_by_name_and_leaves_the_word_alone() -> None:
    made = applied(
        said(0, 0, "환국", after="한국"),
        said(0, 7, "한극", after="한국"),
        said(0, 1, "나라", after="나리", before_quad=WIDER),
        replace(said(0, 0, "한극", after="한국"), image="other.png"),
    )
    assert texts(made) == ["한극", "나라"]
    assert made.counts.notes == {"corrections_stale": 4}
    assert {(record.unit, record.reason) for record in made.quarantined} == {("correction", "correction_stale")}
    details = {record.detail for record in made.quarantined}
    assert "the label reads '한극', not '환국'" in details
    assert "the box moved" in details
    assert "there is no such word any more" in details
    assert "there is no such page any more" in details


def test_a_source_that_says_so_by_now_is_no_stale_correction() -> None:
    made = applied(said(0, 0, "한극", after="한국"), texts=("한국", "나라"))
    assert texts(made) == ["한국", "나라"]
    assert made.counts.notes == {"corrections_done_at_the_source": 1}


def test_the_later_of_two_people_who_saw_the_same_label_is_right() -> None:
    first, second = said(0, 0, "한극", after="한글", who="a"), said(0, 0, "한극", after="한국", minutes=1, review="b")
    assert texts(applied(second, first))[0] == "한국"


def test_a_second_look_at_what_was_corrected() -> None:
    first, second = said(0, 0, "한극", after="한글"), said(0, 0, "한글", after="한국", minutes=1, review="b")
    assert texts(applied(first, second))[0] == "한국"
    alone = applied(replace(first, undone=NOON), second)
    assert texts(alone)[0] == "한극"
    assert alone.counts.notes == {"corrections_stale": 1}


def test_whoever_keeps_the_raw_label_later_overrules() -> None:
    changed, kept = said(0, 0, "한극", "delete"), said(0, 0, "한극", "keep", minutes=1)
    assert texts(applied(changed, kept)) == ["한극", "나라"]
    agreed = said(0, 0, "한국", "keep", minutes=2)
    assert texts(applied(said(0, 0, "한극", after="한국"), agreed)) == ["한국", "나라"]


def test_text_for_what_was_illegible() -> None:
    counts = Counts(pages_in=1, pages_out=1, words_in=1, words_out=1, notes={"words_ignored": 1})
    blank = replace(page(), words=(Word(0, "", QUAD, "ignore"),))
    rows = Corrections.of([said(0, 0, "", after="한국")])
    made, _ = apply_corrections([Parsed([blank], [], counts)], page().label, rows)
    assert made.pages[0].words == (Word(0, "한국", QUAD),)
    assert made.counts.notes["words_ignored"] == 0


def test_only_what_changes_something_has_a_fingerprint() -> None:
    keep, change = said(0, 1, "나라", "keep"), said(0, 0, "한극", after="한국")
    assert Corrections.of([keep]).fingerprint == ""
    assert Corrections.of([change, keep]).fingerprint == Corrections.of([change]).fingerprint != ""
    assert Corrections.of([replace(change, undone=NOON)]).fingerprint == ""
    assert Corrections.of([replace(change, after="한글")]).fingerprint != Corrections.of([change]).fingerprint


def test_a_word_that_nobody_labelled_is_added() -> None:
    new = {"word": 10_000_007, "after_quad": WIDER}
    made = applied(replace(said(0, 0, "", "add", after="새말"), **new))
    assert texts(made) == ["한극", "나라", "새말"]
    assert made.pages[0].words[2].quad == WIDER and made.pages[0].words[2].state == "ok"
    assert made.counts.notes == {"words_added": 1} and made.counts.words_out == 3
    ignored = applied(replace(said(0, 0, "", "add"), **new))
    assert ignored.pages[0].words[2].state == "ignore" and ignored.counts.notes["words_ignored"] == 1
