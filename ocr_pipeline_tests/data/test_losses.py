"""What is not found is not deleted: a loss stops before anything published is touched, until a person says so."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ocr_pipeline.cli import cli
from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.layout_lmdb import LayoutSettings, build_layouts
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.renewal import Renewal
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.trees import (
    ADMIN,
    HAND_LABELS,
    HAND_PICTURES,
    HANDWRITING,
    WILD_LABEL,
    contents,
    hand_tree,
    wild_image,
    wild_label,
    wild_word,
    write_tree,
)

TRAIN, WILD = source_partition("handwriting_train"), source_partition("text_in_wild")
YES = Renewal(accept_loss=True)
PAGES = 10

Make = Callable[[Path, Workspace, Renewal], object]


def merge(root: Path, workspace: Workspace, limit: Renewal) -> None:
    merge_labels(Share(str(root)), TRAIN, workspace, renewal=limit)


def look_up(root: Path, workspace: Workspace, limit: Renewal) -> None:
    build_lookup(Share(str(root)), TRAIN, workspace, renewal=limit)


def crops_as(form: str, **chosen: int) -> Make:
    settings = AnnotationSettings(form, **chosen)
    return lambda root, workspace, limit: build_annotations(Share(str(root)), TRAIN, workspace, settings, renewal=limit)


def layouts(**chosen: int) -> Make:
    settings = LayoutSettings(**chosen)
    return lambda root, workspace, limit: build_layouts(Share(str(root)), TRAIN, workspace, settings, renewal=limit)


CHAIN = (merge, look_up, crops_as("lmdb"), layouts())


@pytest.fixture
def root(tmp_path: Path, workspace: Workspace) -> Path:
    """A share with two sets, one of which is published."""
    root = write_tree(tmp_path / "share", {**hand_tree(PAGES), f"{ADMIN}/Training/a.txt": b""})
    for make in CHAIN:
        make(root, workspace, Renewal())
    return root


def refuses(make: Make, root: Path, workspace: Workspace, told: str) -> None:
    """What is published, and every shard of it, stays as it was."""
    before = contents(workspace.root)
    with pytest.raises(PipelineError, match=told) as caught:
        make(root, workspace, Renewal())
    assert "accept-loss" in caught.value.remedy
    after = contents(workspace.root)
    assert {name: after.get(name) for name in before} == before


def test_a_set_that_is_away_for_a_moment_costs_nothing(root: Path, workspace: Workspace) -> None:
    before = contents(workspace.root)
    shutil.move(root / "053.대용량 손글씨 OCR 데이터", root.parent / "elsewhere")
    for make in CHAIN[:2]:
        refuses(make, root, workspace, f"0 of {PAGES} pages and 0 of 20 words")
    shutil.move(root.parent / "elsewhere", root / "053.대용량 손글씨 OCR 데이터")
    for make in CHAIN:
        make(root, workspace, Renewal())
    assert contents(workspace.root) == before


def test_every_stage_stops_where_the_one_before_it_lost_its_pages(root: Path, workspace: Workspace) -> None:
    shutil.move(root / "053.대용량 손글씨 OCR 데이터", root.parent / "elsewhere")
    for make in CHAIN:
        refuses(make, root, workspace, f"0 of {PAGES} pages and 0 of 20 words")
        make(root, workspace, YES)
    for artifact in (workspace.merged_json(TRAIN.key), workspace.lookup(TRAIN.key)):
        manifest = read_manifest(artifact)
        assert manifest is not None and manifest.counts.pages_out == 0


def test_what_is_set_aside_for_is_told_where_it_may_be_why(root: Path, workspace: Workspace) -> None:
    for page in (root / HAND_PICTURES).rglob("*.png"):
        page.write_bytes(b"no picture")
    look_up(root, workspace, YES)
    refuses(crops_as("lmdb"), root, workspace, "set aside: word image_unreadable 20, page image_unreadable 10")


@pytest.mark.parametrize(("lost", "stops"), [(2, False), (3, True)])
@pytest.mark.parametrize("of", [HAND_LABELS, HAND_PICTURES])
def test_a_fifth_may_go_and_no_more(root: Path, workspace: Workspace, lost: int, stops: bool, of: str) -> None:
    for number in range(0, 2 * lost, 2):
        (path,) = (root / of).rglob(f"*{number:05d}.*")
        path.unlink()
    make = merge if of == HAND_LABELS else look_up
    if stops:
        refuses(make, root, workspace, f"{PAGES - lost} of {PAGES} pages")
        make(root, workspace, Renewal(may_lose=0.3))
    else:
        make(root, workspace, Renewal())


@pytest.mark.parametrize("make", [crops_as("lmdb", max_pages=1), layouts(max_pages=1)])
def test_a_trial_of_one_page_does_not_take_the_place_of_all(root: Path, workspace: Workspace, make: Make) -> None:
    refuses(make, root, workspace, f"1 of {PAGES} pages")


def test_crops_as_files_stay_where_a_trial_would_remove_them(root: Path, workspace: Workspace) -> None:
    crops_as("jsonl")(root, workspace, Renewal())
    refuses(crops_as("jsonl", max_pages=1), root, workspace, f"1 of {PAGES} pages")


def test_to_rebuild_is_not_to_accept(root: Path, workspace: Workspace) -> None:
    shutil.rmtree(root / HAND_LABELS)
    refuses(
        lambda place, output, limit: merge_labels(Share(str(place)), TRAIN, output, renewal=limit.also(rebuild=True)),
        root,
        workspace,
        f"0 of {PAGES} pages",
    )


def test_a_set_of_one_label_file_is_kept_too(tmp_path: Path, workspace: Workspace) -> None:
    label = wild_label([wild_image("1", "A.jpg")], [wild_word("1", "가", [2, 4, 16, 10])])
    root = write_tree(tmp_path / "share", {WILD_LABEL: label})
    merge_labels(Share(str(root)), WILD, workspace)
    (root / WILD_LABEL).unlink()
    refuses(
        lambda place, output, limit: merge_labels(Share(str(place)), WILD, output, renewal=limit),
        root,
        workspace,
        "0 of 1 pages and 0 of 1 words",
    )


def command(name: str, root: Path, workspace: Workspace, *arguments: str, **environment: str) -> Result:
    gc.collect()  # the error of an earlier command, which would end its process, holds the lease here
    place = ("--source", str(root), "--output", str(workspace.root), "--partition", TRAIN.key)
    return CliRunner().invoke(cli, [name, *place, *arguments], env=environment)


def test_a_person_accepts_by_a_flag_and_the_share_is_a_variable(root: Path, workspace: Workspace) -> None:
    for number in range(0, 8, 2):
        (path,) = (root / HAND_LABELS).rglob(f"*{number:05d}.json")
        path.unlink()
    assert isinstance(command("merge", root, workspace).exception, PipelineError)
    assert isinstance(command("merge", root, workspace, OCR_PIPELINE_MAY_LOSE="39%").exception, PipelineError)
    assert command("merge", root, workspace, OCR_PIPELINE_MAY_LOSE="40%").exit_code == 0
    assert isinstance(command("lookup", root, workspace).exception, PipelineError)
    assert command("lookup", root, workspace, "--accept-loss").exit_code == 0


def test_a_backfill_accepts_only_when_told(root: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.chdir(root.parent)
    shutil.rmtree(root / HAND_LABELS)
    assert command("backfill", root, workspace, "--asset", "merged_json").exit_code == 1
    manifest = read_manifest(workspace.merged_json(TRAIN.key))
    assert manifest is not None and manifest.counts.pages_out == PAGES
    done = command("backfill", root, workspace, "--asset", "merged_json", "--asset", "lookup", "--accept-loss")
    assert done.exit_code == 0, done.output
    manifest = read_manifest(workspace.lookup(TRAIN.key))
    assert manifest is not None and manifest.counts.pages_out == 0


@pytest.mark.parametrize("place", [HANDWRITING.partition("/")[0], f"{HANDWRITING}/1.Training/out", "../.."])
def test_an_output_within_a_set_or_around_it_is_refused_by_name(tmp_path, place):
    root = write_tree(tmp_path / "crops" / "share", hand_tree())
    for stage in (merge_labels, build_lookup):
        with pytest.raises(PipelineError, match=r"053\.대용량.*lie within each other.*OCR_PIPELINE_OUTPUT"):
            stage(Share(root), TRAIN, Workspace(root / place))
    assert contents(root).keys() == hand_tree().keys(), "nothing was written there"


@pytest.mark.parametrize("place", ["share/out", "share", "."])
def test_an_output_beside_the_sets_is_none_of_them(tmp_path, place):
    share = Share(write_tree(tmp_path / "share", hand_tree()))
    manifest = merge_labels(share, TRAIN, Workspace(tmp_path / place))
    assert manifest.counts.pages_out == 3
