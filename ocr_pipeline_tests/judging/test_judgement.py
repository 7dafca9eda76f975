"""What a trial of contestants says whose every answer is known."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.evaluation import SpottedWord, Truth, recognition_scores, score_detections, score_end_to_end
from ocr_pipeline.judging.contestants import Contestant, Seen
from ocr_pipeline.judging.judgement import Judgement, judge
from ocr_pipeline.judging.labelled import LabelledPage
from ocr_pipeline.judging.mistakes import kind_of_error, worst_mistakes
from ocr_pipeline.judging.trial import Trial, hold_trial
from ocr_pipeline_tests.judging.making import Oracle, Pages, page

PAGES = [page("a.png"), page("b.png", ("나라", "Mix", "값", "1", "둘"), unread=(4,)), page("c.png", ("가", "나"))]
WRONG = {"서울": ("서올", 0.8), "값": ("갑", 0.3), "나라": ("", 0.1), "Total": ("Tota1", 0.95)}


def wrong(text: str) -> tuple[str, float]:
    return WRONG.get(text, (text, 0.9))


def trial_of(*contestants: Contestant) -> Trial:
    return hold_trial([Pages(PAGES[:2], "two"), Pages(PAGES[2:], "one")], contestants)


@pytest.fixture(scope="module")
def trial() -> Trial:
    return trial_of(
        Oracle(PAGES, wrong).contestant("ours"),
        Oracle(PAGES).contestant("perfect"),
        Contestant("boxes", "v", look=Oracle(PAGES).look),
        Contestant("crops", "v", read=Oracle(PAGES).read),
    )


@pytest.fixture(scope="module")
def judgement(trial: Trial) -> Judgement:
    return judge(trial, {"가": 3, "나": 500}, target=0.5)


def test_who_is_always_right_has_the_best_of_everything(judgement: Judgement) -> None:
    perfect = {name: found["perfect"].value for name, found in judgement.measures.items() if "perfect" in found}
    worst = {"cer", "cer_no_spaces", "cer_nfkc", "cer_jamo", "wer"}
    assert len(perfect) == 24
    assert {name for name, value in perfect.items() if value == 0} == worst
    assert {name for name, value in perfect.items() if value == 1} == perfect.keys() - worst


def test_numbers_are_those_of_the_scores_over_all_words(trial: Trial, judgement: Judgement) -> None:
    texts = [word.text for word in trial.words]
    scores = recognition_scores(texts, [wrong(text)[0] for text in texts])
    for name in ("cer", "cer_jamo", "wer", "one_minus_ned", "exact"):
        assert judgement.measures[name]["ours"].value == pytest.approx(getattr(scores, name), abs=1e-5)
    assert judgement.words == 11 and judgement.pages == {"two": 2, "one": 1}


def test_pages_are_scored_by_the_competitions_rules() -> None:
    """Boxes that miss, that lie in what is ignored, and that are no word at all."""

    def look(pixels: np.ndarray) -> list[Seen]:
        seen = Oracle(PAGES, wrong).look(pixels)[1:]
        return [*seen, Seen(((300, 150), (380, 150), (380, 200), (300, 200)), "nothing", 0.4)]

    found = judge(trial_of(Contestant("ours", "v", look, True)), {}, 0.5).measures
    quads = [[seen.quad for seen in look(one.pixels)] for one in PAGES]
    truths = [[Truth(word.quad, not word.counts) for word in one.words] for one in PAGES]
    assert found["found_hmean"]["ours"].value == pytest.approx(score_detections(quads, truths).hmean, abs=1e-5)
    said = [[SpottedWord(seen.quad, seen.text) for seen in look(one.pixels)] for one in PAGES]
    spotted = [[SpottedWord(word.quad, word.text) for word in one.words] for one in PAGES]
    score = score_end_to_end(said, spotted)
    assert found["read_precision, as it is"]["ours"].value == pytest.approx(score.precision, abs=1e-5)
    assert found["read_recall, as it is"]["ours"].value == pytest.approx(score.recall, abs=1e-5)
    assert score.hmean < 0.9


def test_who_only_finds_or_only_reads_is_judged_by_that(judgement: Judgement) -> None:
    assert judgement.measures["found_hmean"].keys() == {"ours", "perfect", "boxes"}
    assert judgement.measures["cer"].keys() == {"ours", "perfect", "crops"}
    assert judgement.measures["read_hmean, as it is"].keys() == {"ours", "perfect"}


def test_differences_are_those_to_the_first(judgement: Judgement) -> None:
    worse = judgement.differences["cer"]["perfect"]
    assert worse.value == judgement.measures["cer"]["ours"].value
    assert worse.low is not None and worse.low >= 0
    assert judgement.differences["found_hmean"]["boxes"] == (0, 0, 0)
    assert "ours" not in judgement.differences["cer"]


def test_kinds_of_words_are_told_apart(judgement: Judgement) -> None:
    by_script = {one.kind: one for one in judgement.slices if one.by == "script"}
    assert by_script["Latin"].words == 2 and by_script["Latin"].measures["exact"]["ours"].value == 0.5
    assert by_script["figures"].measures["cer"]["ours"].value == 0
    assert {one.kind for one in judgement.slices if one.by == "data set"} == {"one", "two"}
    assert {one.kind for one in judgement.slices if one.by == "rarest syllable"} == {
        "0",
        "1-9",
        "100-999",
        "no syllable",
    }
    assert not [one for one in judgement.slices if one.by == "page"]  # all are of one kind
    assert sum(one.words for one in by_script.values()) == judgement.words


def test_confusions_name_their_letters_and_words(trial: Trial, judgement: Judgement) -> None:
    found = {(one.kind, one.truth, one.said): one for one in judgement.confusions["ours"]}
    assert found["vowel", "ㅜ", "ㅗ"].times == 1
    last = found["last", "ㅄ", "ㅂ"]
    assert last.times == last.of == 2
    assert [trial.words[number].text for number in last.examples] == ["값", "값"]
    assert judgement.confusions["perfect"] == []


def test_confidence_is_held_against_what_was_right(judgement: Judgement) -> None:
    ours = judgement.calibration["ours"]
    assert ours.keys() == {"boxes", "pages"}
    assert sum(part.words for part in ours["boxes"].bins) == 11
    assert "pages" not in judgement.calibration["crops"] and judgement.calibration["boxes"] == {}


@pytest.mark.parametrize(
    ("truth", "said", "kind"),
    [
        ("서울", "", "silent"),
        ("서울", "서올", "letter"),
        ("서울", "서술", "letter"),
        ("서울", "서옥", "syllable"),
        ("Total", "Tota1", "syllable"),
        ("서울시", "서울", "left_out"),
        ("서울", "서울시", "put_in"),
        ("서울 시", "서울시", "spaces"),
        ("Total", "total", "signs"),
        ("(가)", "가", "signs"),
        ("(", "[", "syllable"),
    ],
)
def test_kinds_of_errors(truth: str, said: str, kind: str) -> None:
    assert kind_of_error(truth, said) == kind


def test_the_worst_mistakes_come_first(trial: Trial) -> None:
    worst = worst_mistakes(trial, trial.performances[0], most=1)
    assert {kind: [(one.truth, one.said) for one in found] for kind, found in worst.items()} == {
        "silent": [("나라", "")],
        "letter": [("값", "갑")],
        "syllable": [("Total", "Tota1")],
    }


def test_a_page_that_cannot_be_read_is_told_and_the_rest_goes_on() -> None:
    class Torn(Pages):
        def read(self, index: int) -> LabelledPage:
            if index == 1:
                raise PipelineError("the picture is torn", where="b.png", remedy="Mend it.")
            return super().read(index)

    trial = hold_trial([Torn(PAGES)], [Oracle(PAGES).contestant("perfect")])
    assert trial.errors == {"made, page 2": "the picture is torn"}
    assert [one.image for one in trial.pages] == ["a.png", "c.png"]
    assert trial.load(1).image == "c.png"


def test_the_numbers_are_read_back_as_they_were_written(judgement: Judgement) -> None:
    assert msgspec.json.decode(judgement.encode(), type=Judgement) == judgement
    plain = msgspec.json.decode(judgement.encode())
    assert plain["measures"]["cer"]["perfect"] == [0, 0, 0]
    assert plain["confusions"]["ours"][0].keys() == {"kind", "truth", "said", "times", "of", "examples"}
