"""A page that must go is out of all that is made later, and is told of wherever it still is."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from ocr_pipeline.cli import cli
from ocr_pipeline.data.corrections import forgotten, read_overlay, write_overlay
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.merged_json import merge_labels, read_pages
from ocr_pipeline.data.review.importing import import_review
from ocr_pipeline.data.review.sitting import Sitting
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER
from ocr_pipeline.release.forgetting import pages_meant
from ocr_pipeline.release.lineage import held_by
from ocr_pipeline.storage.artifacts.lineage import Trace, lineage_path
from ocr_pipeline.storage.artifacts.lineage_parquet import ParquetTraces, Wanted
from ocr_pipeline.storage.artifacts.manifest import quarantine_path, read_manifest
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.renewal import ANYHOW
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.corrections.making import said
from ocr_pipeline_tests.release.learning import TRAIN, deliver, train
from ocr_pipeline_tests.trees import WILD_LABEL, hand_tree, wild_image, wild_label, wild_word, write_tree

NAME = "IMG_OCR_53_4PR_00001.png"


@pytest.fixture
def share(tmp_path: Path) -> Share:
    return Share(write_tree(tmp_path / "share", hand_tree(6, folders=3)))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "output")


def run(workspace: Workspace, *options: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli, ["forget", "--output", str(workspace.root), *options])
    assert result.exit_code == code, result.output
    return result.output


def holding(workspace: Workspace) -> set[str]:
    """All but what trainings keep for themselves."""
    found = (holder for holder, _ in held_by(workspace, Wanted(image=NAME)))
    return {one.name for one in found if one.stage != "training" and one.state != "kept version"}


def test_a_page_is_out_of_all_that_is_made_later_and_told_of_until_then(share: Share, workspace: Workspace) -> None:
    write_overlay(workspace.corrections(TRAIN.key), [said(1, 1, "글1", after="비밀", folder="R.Free1")])
    deliver(share, workspace)
    for contest in (DETECTOR, RECOGNIZER):
        train(workspace, contest)
    everything = holding(workspace)
    assert len(everything) == 10 and "fast/fast_champion.pth" in everything
    assert "dlora/dlora_champion" in run(workspace, "--image", NAME, "--dry_run") and not forgotten(
        workspace, TRAIN.key
    )
    assert "Marked: 1 of 1 pages." in run(workspace, "--image", NAME, "--why", "request 17", "--who", "김")
    assert "Marked: 0 of 1 pages, the others were before" in run(workspace, "--image", NAME)
    (mark,) = read_overlay(workspace.corrections(TRAIN.key))  # what was said of its words is gone
    assert (mark.action, mark.who, mark.note) == ("forget", "김", "request 17")
    deliver(share, workspace)
    assert holding(workspace) == {name for name in everything if name.startswith(("fast/", "dlora/"))}
    listed = run(workspace)
    assert "request 17" in listed and "dlora/dlora_champion" in listed and "current" not in listed
    for contest in (DETECTOR, RECOGNIZER):
        train(workspace, contest)
    assert {Path(name).parent.name for name in holding(workspace)} == {"champions", "fast", "dlora"}  # those of before


def test_of_many_marks_each_is_told_of_by_itself_and_again_when_nothing_holds_it(
    share: Share, workspace: Workspace
) -> None:
    merge_labels(share, TRAIN, workspace)
    other = NAME.replace("1.png", "4.png")
    for image in (NAME, other):
        run(workspace, "--image", image)
    listed = run(workspace)
    for image in (NAME, other):
        _, _, table = listed.partition(f"What holds {image}\n")
        assert "handwriting_train_merged.json" in table and "Nothing" not in table
    merge_labels(share, TRAIN, workspace, renewal=ANYHOW)
    assert all(f"Nothing that has a lineage holds {image}." in run(workspace) for image in (NAME, other))
    assert "Marked: 0 of 1 pages, the others were before" in run(workspace, "--image", NAME)


def test_a_review_that_is_imported_again_brings_nothing_back_that_stands_on_the_page(
    share: Share, workspace: Workspace
) -> None:
    merge_labels(share, TRAIN, workspace)
    rows = [said(1, 1, "글1", after="비밀", folder="R.Free1"), said(0, 0, "가나", after="가너")]
    sitting = Sitting(TRAIN.key, rows, [])
    import_review(workspace, sitting)
    run(workspace, "--image", NAME)
    again = import_review(workspace, sitting)
    assert (again.said, again.known, len(again.unmatched)) == (2, 1, 1) and NAME in again.unmatched[0]
    assert "비밀" not in str(read_overlay(workspace.corrections(TRAIN.key)))


def test_a_page_of_a_set_that_nobody_knows_is_told(workspace: Workspace) -> None:
    workspace.root.mkdir()
    with ParquetTraces(lineage_path(workspace.root / "foreign.lmdb")) as file:
        file.write(Trace("a.json", "a.png", "nobodys", "train"))
    with pytest.raises(PipelineError, match="no partition of this version is called nobodys train"):
        pages_meant(workspace, Wanted(image="a.png"))


def test_a_mark_makes_one_shard_anew_keeps_the_books_and_can_be_taken_back(
    share: Share, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocr_pipeline.data.merged_json.label_shards.SHARD_SIZE", 2)
    before = merge_labels(share, TRAIN, workspace)
    document = workspace.merged_json(TRAIN.key).read_bytes()
    shards = {path.name for path in workspace.shards(workspace.merged_json(TRAIN.key)).iterdir()}
    run(workspace, "--image", NAME)
    after = merge_labels(share, TRAIN, workspace)
    kept = {path.name for path in workspace.shards(workspace.merged_json(TRAIN.key)).iterdir()}
    assert len(shards & kept) == len(shards) - 1 > 0
    assert after.counts.add_up and after.counts.pages_out == before.counts.pages_out - 1
    records = read_quarantine(quarantine_path(workspace.merged_json(TRAIN.key)))
    (record,) = (record for record in records if record.reason == "forgotten")
    assert (record.image, record.words, record.raw) == (NAME, 2, "")
    assert not [page for page in read_pages(workspace.merged_json(TRAIN.key), TRAIN) if page.image == NAME]
    (mark,) = forgotten(workspace, TRAIN.key)
    undo = ["review", "undo", mark.review, "--output", str(workspace.root), "--partition", TRAIN.key]
    assert CliRunner().invoke(cli, undo).exit_code == 0
    merge_labels(share, TRAIN, workspace)
    assert workspace.merged_json(TRAIN.key).read_bytes() == document


def test_of_several_pages_of_one_name_one_has_to_be_chosen(share: Share, workspace: Workspace) -> None:
    again = {path.replace("R.Free1", "R.Free9"): data for path, data in hand_tree(2, folders=2).items()}
    merge_labels(Share(write_tree(Path(share.place), again)), TRAIN, workspace)
    assert "R.Free9" in run(workspace, "--image", NAME, code=2) and not forgotten(workspace, TRAIN.key)
    run(workspace, "--image", NAME, "--label", f"R.Free9/{Path(NAME).stem}.json")
    assert [mark.label.split("/")[-2] for mark in forgotten(workspace, TRAIN.key)] == ["R.Free9"]
    assert "of 2 pages" in run(workspace, "--image", NAME, "--all")
    assert "no page of that name is known here" in str(
        CliRunner().invoke(cli, ["forget", "--output", str(workspace.root), "--image", "nobody"]).exception
    )


def test_a_page_of_a_set_that_comes_as_one_file_goes_too(tmp_path: Path, workspace: Workspace) -> None:
    wild = source_partition("text_in_wild")
    images = [wild_image("1", "a.jpg"), wild_image("2", "b.jpg")]
    label = wild_label(images, [wild_word("1", "가", [1, 1, 9, 9]), wild_word("2", "나", [1, 1, 9, 9])])
    share = Share(write_tree(tmp_path / "wild", {WILD_LABEL: label}))
    merge_labels(share, wild, workspace)
    run(workspace, "--image", "b.jpg")
    manifest = merge_labels(share, wild, workspace, renewal=ANYHOW)
    assert [page.image for page in read_pages(workspace.merged_json(wild.key), wild)] == ["a.jpg"]
    assert manifest == read_manifest(workspace.merged_json(wild.key)) and manifest.counts.add_up
