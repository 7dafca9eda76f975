"""Data quality and the limit of the quarantine, as Dagster shows and enforces them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.checks.limit import QuarantineLimit
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.page import Quarantined
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.orchestration.test_data_job import ERROR, WARN, failed_checks, metadata, run_data
from ocr_pipeline_tests.trees import hand_tree, write_tree


@pytest.fixture
def leaking_share(tmp_path: Path) -> Path:
    """One picture stands in training and validation data, under two names."""
    share = tmp_path / "share"
    write_collection(share, pages={"public_admin_train": 2, "public_admin_valid": 2}, page_size=(256, 352))
    train, valid = (sorted((share / "공공행정문서 OCR" / split).rglob("*.jpg")) for split in ("Training", "Validation"))
    shutil.copyfile(train[0], valid[0])
    return share


def definitions_over(share: Path, workspace: Workspace) -> dg.Definitions:
    return build_definitions(Locations(source=str(share), output=str(workspace.root)))


def test_a_leak_fails_the_run_and_is_shown_with_its_pages(
    leaking_share: Path, workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    definitions = definitions_over(leaking_share, workspace)
    assert run_data(definitions, instance, "public_admin_train").success
    result = run_data(definitions, instance, "public_admin_valid")
    assert not result.success
    assert failed_checks(result, ERROR) == {("no_leaks", "data_quality")}
    assert failed_checks(result, WARN) == {("no_duplicate_pictures", "data_quality")}
    shown = metadata(result, "data_quality")
    assert shown["leaks"] == 1
    assert "data:image/jpeg;base64," in shown["leaking_pages"]
    assert Path(shown["report"]).read_text().count("<section") == 2


def test_the_quality_of_a_partition_is_shown(
    definitions: dg.Definitions, workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    shown = metadata(run_data(definitions, instance, "handwriting_train"), "data_quality")
    assert shown["pages"] == 5 and shown["words"] > 50
    assert "| 96,019 | sample |" in shown["known_counts"]
    assert "data:image/jpeg;base64," in shown["rare_characters"]
    assert "| not_nfc | 1 |" in shown["suspicious_labels"] and "labels_not_nfc" in shown


@pytest.mark.parametrize(("limit", "severity", "failed"), [("5%", "", WARN), ("0.05", "error", ERROR), ("1", "", None)])
def test_the_limit_of_the_quarantine_is_a_setting(
    tmp_path: Path,
    workspace: Workspace,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    severity: str,
    failed: dg.AssetCheckSeverity | None,
) -> None:
    files = hand_tree(3)
    files.popitem()  # the picture of the last page
    monkeypatch.setitem(os.environ, "OCR_PIPELINE_QUARANTINE_LIMIT", limit)
    monkeypatch.setitem(os.environ, "OCR_PIPELINE_QUARANTINE_SEVERITY", severity)
    result = run_data(definitions_over(write_tree(tmp_path / "share", files), workspace), instance, "handwriting_train")
    below = "quarantine_below_limit"
    warned = {asset for name, asset in failed_checks(result, WARN) if name == below}
    assert warned == ({"lookup", "annotations", "layout_lmdb"} if failed is WARN else set())
    # an error at the lookup holds back what would be built on it
    assert failed_checks(result, ERROR) == ({(below, "lookup")} if failed is ERROR else set())
    assert result.success == (failed is not ERROR)


def counts(pages: int, words: int) -> Counts:
    counts = Counts(pages_in=100, words_in=1000)
    for _ in range(pages):
        counts.set_aside(Quarantined("page", "image_missing", "d", "s"))
    for _ in range(words):
        counts.set_aside(Quarantined("word", "word_outside", "d", "s"))
    return counts


@pytest.mark.parametrize(("pages", "words", "passed"), [(5, 50, True), (6, 0, False), (0, 51, False), (0, 0, True)])
def test_pages_and_words_are_each_held_to_the_limit(pages: int, words: int, passed: bool) -> None:
    result = QuarantineLimit.from_environment({}).check(counts(pages, words))
    assert (result.passed, result.severity) == (passed, WARN)
    if words:
        assert f"| word | word_outside | {words} | {words / 1000:.2%} |" in result.metadata["reasons"].value


def test_nothing_in_is_below_any_limit() -> None:
    assert QuarantineLimit.from_environment({"OCR_PIPELINE_QUARANTINE_LIMIT": "0"}).check(Counts()).passed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OCR_PIPELINE_QUARANTINE_LIMIT", "much"),
        ("OCR_PIPELINE_QUARANTINE_LIMIT", "200%"),
        ("OCR_PIPELINE_QUARANTINE_SEVERITY", "fatal"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(PipelineError, match=name):
        QuarantineLimit.from_environment({name: value})
