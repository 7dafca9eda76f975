"""The champions are judged on what is published, and Dagster shows it; the models here are oracles."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.judging import contestants, judge_champions
from ocr_pipeline.judging.report import PAGE
from ocr_pipeline.judging.settings import Judging
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER
from ocr_pipeline.release.lineage import held_by, holder_of
from ocr_pipeline.storage.artifacts.lineage import Trace, lineage_path
from ocr_pipeline.storage.artifacts.lineage_parquet import ParquetTraces, Wanted
from ocr_pipeline.storage.artifacts.publication import publication
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.judging.making import TEXTS, Oracle, page, publish_pages

SHEET = page()


@pytest.fixture
def champions(workspace: Workspace, tmp_path: Path) -> Workspace:
    """A workspace with champions of some bytes."""
    for contest in (DETECTOR, RECOGNIZER):
        crown(workspace, contest, "first")
    return workspace


def crown(workspace: Workspace, contest, weights: str) -> None:
    candidate = contest.candidate(workspace)
    candidate.parent.mkdir(parents=True, exist_ok=True)
    with publication(
        candidate, stage=contest.name, partition="", code_version=weights, settings={}, inputs=[], has_quarantine=False
    ) as made:
        with made.file() as draft:
            draft.write_text(weights)
        made.fingerprint = f"{contest.name} {weights}"
    contest.promote(workspace, "asked for")


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Oracles take the places of models; who was opened."""
    opened: list[str] = []

    def oracle(name: str):
        def open_oracle(_: contestants.Opening) -> contestants.Contestant:
            opened.append(name)
            wrong = {"서울": ("서올", 0.9)} if name == "shipped" else {}
            return Oracle([SHEET], lambda text: wrong.get(text, (text, 0.9))).contestant(name)

        return open_oracle

    names = ("champion", "before", "shipped")
    monkeypatch.setattr(contestants, "KINDS", {name: oracle(name) for name in names})
    return opened


def test_dagster_shows_the_scores_and_judges_the_same_once(
    champions: Workspace, instance: dg.DagsterInstance, asked: list[str]
) -> None:
    publish_pages(champions, "valid")
    definitions = build_definitions(Locations(output=str(champions.root)))
    for _ in range(2):
        result = definitions.resolve_job_def("judging").execute_in_process(instance=instance)
    assert asked == ["champion", "shipped"]
    (event,) = result.asset_materializations_for_node("judgement")
    shown = {name: value.value for name, value in event.metadata.items()}
    assert shown["champion/cer"] == 0 and 0 < shown["shipped/cer"] < 1
    assert shown["champion/read_hmean, as it is"] == 1 and shown["pages_out"] == 1 and shown["words_out"] == len(TEXTS)
    assert "| cer | 0.000 &#40;0.000 … 0.000&#41; |" in shown["scores"]
    assert Path(shown["page"]).name == PAGE and Path(shown["page"]).is_file()


def test_another_champion_is_judged_anew_beside_the_one_before(champions: Workspace, asked: list[str]) -> None:
    from ocr_pipeline.judging import usual_contestants

    publish_pages(champions, "valid")
    judge_champions(champions, [], Judging(contestant=usual_contestants(champions)))
    crown(champions, RECOGNIZER, "second")
    manifest = judge_champions(champions, [], Judging(contestant=usual_contestants(champions)))
    assert asked == ["champion", "shipped", "champion", "before", "shipped"]
    assert {"before/cer", "champion/found_hmean"} <= set(manifest.metrics)


def test_it_leads_back_to_the_pages_that_it_shows(champions: Workspace) -> None:
    pages = []
    for split in ("valid", "train"):
        publish_pages(champions, split)
        pages.append(Trace(f"{split}.json", f"{split}.png", "public_admin", split, len(TEXTS)))
        with ParquetTraces(lineage_path(champions.layout_lmdb("public_admin", split))) as file:
            file.write(pages[-1])
    for judged in (pages[:1], pages):
        judge_champions(champions, [f"public_admin_{page.split}" for page in judged], Judging())
        found = {page.image: [one.name for one, _ in held_by(champions, Wanted(image=page.image))] for page in pages}
        assert [page for page in pages if champions.judgement.name in found[page.image]] == judged
    holder = holder_of(champions, "judgement")
    assert (holder.state, holder.is_data) == ("current", True)


def test_pages_that_were_learnt_from_do_not_judge_by_themselves(champions: Workspace) -> None:
    publish_pages(champions, "train")
    with pytest.raises(PipelineError, match="no validation pages"):
        judge_champions(champions, [], Judging())
    assert judge_champions(champions, ["public_admin_train"], Judging()).counts.pages_out == 1


def test_a_partition_without_pages_is_told(champions: Workspace) -> None:
    with pytest.raises(PipelineError, match="layout_lmdb is not published"):
        judge_champions(champions, ["public_admin_valid"], Judging())
