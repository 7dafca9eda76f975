"""The page: the same bytes twice, nothing of what comes from outside is markup, and both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.judging import contestants
from ocr_pipeline.judging.judgement import Judgement
from ocr_pipeline.judging.report import NUMBERS, PAGE, SPEEDS, judge_into
from ocr_pipeline.judging.settings import Judging
from ocr_pipeline.judging.texts import MEASURES, TEXTS
from ocr_pipeline_tests.judging.making import Oracle, Pages, page

HOSTILE = "<script>alert('</script>')"
WORDS = (HOSTILE, "서울", "\u202e값", "a b", "가")
SHEETS = [page("<b>.png", WORDS)]


def swapped(text: str) -> tuple[str, float]:
    return text[::-1], 0.5


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch, workspace) -> Judging:
    kinds = {"ours": swapped, "theirs": lambda text: (text, 1.0)}
    made = {name: (lambda _, n=name, a=answer: Oracle(SHEETS, a).contestant(n)) for name, answer in kinds.items()}
    monkeypatch.setattr(contestants, "KINDS", made)
    return Judging(contestant=("ours", "theirs", "theirs"))


def test_two_runs_give_the_same_bytes(judged: Judging, tmp_path: Path, workspace) -> None:
    for name in ("one", "two"):
        judge_into(tmp_path / name, [Pages(SHEETS)], judged, workspace)
    assert {file.name for file in (tmp_path / "one").iterdir()} == {PAGE, NUMBERS, SPEEDS}
    for name in (PAGE, NUMBERS):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    speeds = json.loads((tmp_path / "one" / SPEEDS).read_text())
    assert speeds.keys() == {"ours", "theirs", "theirs (2)"} and speeds["ours"]["pages_a_second"] > 0


def test_texts_of_labels_and_models_are_no_markup(judged: Judging, tmp_path: Path, workspace) -> None:
    judge_into(tmp_path / "report", [Pages(SHEETS)], judged, workspace)
    html = (tmp_path / "report" / PAGE).read_text()
    assert "<script>alert" not in html and "<b>.png" not in html
    assert "&lt;script&gt;alert" in html and "⟨U+202E⟩" in html
    assert len(re.findall("<script", html)) == 2
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", html)


def test_what_stands_in_the_folder_is_not_replaced_unless_it_is_a_judgement(
    judged: Judging, tmp_path: Path, workspace
) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(PipelineError, match="did not make"):
        judge_into(tmp_path, [Pages(SHEETS)], judged, workspace)
    for _ in range(2):
        report = judge_into(tmp_path / "report", [Pages(SHEETS)], judged, workspace)
    assert isinstance(report.judgement, Judgement)


def test_pages_without_words_cannot_judge(judged: Judging, tmp_path: Path, workspace) -> None:
    with pytest.raises(PipelineError, match="no page with words"):
        judge_into(tmp_path / "report", [Pages([page(texts=WORDS, unread=range(5))])], judged, workspace)
    assert not (tmp_path / "report").exists()


def test_everything_is_said_in_both_languages() -> None:
    for text in (*TEXTS.values(), *MEASURES.values()):
        assert text.en and (re.search("[가-힣]", text.ko) or text.ko == text.en in {"1 - NED", "NFKC"})
