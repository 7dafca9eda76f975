"""What champions learnt from stays, by hard links, and goes when nobody names it."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from click.testing import CliRunner

from ocr_pipeline.cli import cli
from ocr_pipeline.data.annotations import StoredCrops
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER, Contest
from ocr_pipeline.release.learnt import note_learnt, note_pages
from ocr_pipeline.release.lineage import holder_of, holders, still_there
from ocr_pipeline.release.versions import data_again, judged_versions, sweep_versions
from ocr_pipeline.storage.artifacts.lease import lease, lease_path
from ocr_pipeline.storage.artifacts.lineage_parquet import read_learnt_from
from ocr_pipeline.storage.artifacts.manifest import manifest_path, read_manifest
from ocr_pipeline.storage.artifacts.state import differing_files
from ocr_pipeline.storage.artifacts.versions import (
    VERSIONS,
    bytes_freed,
    keep_version,
    kept_versions,
    version_of,
    versions_lease,
)
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.publishing import link_or_copy
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.release.learning import deliver, recipe_of, train
from ocr_pipeline_tests.trees import hand_tree, write_tree


@pytest.fixture
def share(tmp_path: Path) -> Share:
    return Share(write_tree(tmp_path / "share", hand_tree(2)))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "output")


def learn(share: Share, workspace: Workspace, number: int, contest: Contest = RECOGNIZER) -> str:
    """Deliver one more page, and train on what there is; the version of the champion."""
    write_tree(Path(share.place), {path.replace("4PR_", f"4PR_{number}"): data for path, data in hand_tree(1).items()})
    deliver(share, workspace)
    return train(workspace, contest)


def crops(workspace: Workspace) -> Path:
    return workspace.annotations("handwriting", "train", "lmdb")


def count(artifact: Path) -> int:
    return len(StoredCrops(artifact).numbers)


def test_what_a_champion_learnt_from_can_be_had_again(share: Share, workspace: Workspace, tmp_path: Path) -> None:
    first = learn(share, workspace, 1)
    data, then = crops(workspace) / "data.mdb", (crops(workspace) / "data.mdb").read_bytes()
    assert data.stat().st_nlink == 2  # kept, at no cost
    learn(share, workspace, 2)
    assert data.read_bytes() != then and data.stat().st_nlink == 2
    options = ("--checkpoint", first, "--data_to", str(tmp_path / "then"), "--output", str(workspace.root))
    assert "kept version" in CliRunner().invoke(cli, ["lineage", *options]).output
    again = tmp_path / "then" / crops(workspace).name
    assert (again / "data.mdb").read_bytes() == then and count(again) == 6
    manifest = read_manifest(again)
    assert manifest and not differing_files(again, manifest)
    with pytest.raises(PipelineError, match="not empty"):
        data_again(workspace, read_learnt_from(holder_of(workspace, first).lineage), tmp_path / "then")


def test_only_the_data_of_the_last_champions_stays(share: Share, workspace: Workspace, tmp_path: Path) -> None:
    versions = [learn(share, workspace, number) for number in range(4)]
    kept = [one.version for one in kept_versions(workspace.root)]
    assert len(kept) == 4 and not sweep_versions(workspace, 4)
    told = CliRunner().invoke(cli, ["gc", "--dry_run", "--keep_versions", "2", "--output", str(workspace.root)]).output
    assert told.count("nobody names it") == 2 and told.count("stays") == 2
    assert len(list(kept_versions(workspace.root))) == 4
    gone = {one.kept.version for one in sweep_versions(workspace, 2)}
    assert len(gone) == 2 and {one.version for one in kept_versions(workspace.root)} == set(kept) - gone
    with pytest.raises(PipelineError, match="is there no more"):
        data_again(workspace, read_learnt_from(holder_of(workspace, versions[0]).lineage), tmp_path / "then")
    assert count(crops(workspace)) == 12


def test_what_gc_says_is_what_the_disk_gets_back(
    share: Share, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocr_pipeline.data.layout_lmdb.build.PART_PAGES", 2)
    for number in range(6):
        learn(share, workspace, number, DETECTOR)
        if number == 3:
            next(Path(share.place).rglob("*4PR_0*.json")).unlink()
    links = [path.stat().st_nlink for path in (workspace.root / VERSIONS).rglob("data.mdb")]
    assert max(links) > 3  # parts that versions share, also with the artifact and the store of parts
    gone = [one.kept for one in judged_versions(workspace, 1) if one.gone_for]
    assert bytes_freed(gone) > sum(bytes_freed([one]) for one in gone)  # some share what nobody else has
    before = disk_usage(workspace.root)
    options = ["--keep_versions", "1", "--output", str(workspace.root)]
    told = CliRunner().invoke(cli, ["gc", "--dry_run", *options]).output
    assert disk_usage(workspace.root) == before
    assert CliRunner().invoke(cli, ["gc", *options]).exit_code == 0
    freed = before - disk_usage(workspace.root)
    assert freed > 0 and f"{freed:,} bytes would be freed" in told


def disk_usage(root: Path) -> int:
    """Bytes that files take, each once, whatever the number of its names."""
    files = [path.stat() for path in root.rglob("*") if path.is_file()]
    return sum({file.st_ino: file.st_blocks * 512 for file in files}.values())


def test_a_version_with_a_page_to_be_forgotten_goes(share: Share, workspace: Workspace) -> None:
    learn(share, workspace, 1)
    forget = ["forget", "--image", "IMG_OCR_53_4PR_00001.png", "--output", str(workspace.root)]
    assert CliRunner().invoke(cli, forget).exit_code == 0
    (one,) = judged_versions(workspace, 3)
    assert one.named_by and "forgotten" in one.gone_for


class Killed(BaseException):
    """Stands for the end of a process in the midst of its work."""


def kill(*_: object, **__: object) -> None:
    raise Killed


def test_what_a_kill_leaves_of_a_version_is_taken_for_none_and_goes(
    share: Share, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(share, workspace, 1)
    (kept,) = kept_versions(workspace.root)
    with monkeypatch.context() as killing, pytest.raises(Killed):
        killing.setattr("shutil.rmtree", lambda path, **_: Path(path).exists() and kill())
        kept.remove()
    assert not list(kept_versions(workspace.root)) and list((workspace.root / VERSIONS).glob("*/.*"))
    keep_version(crops(workspace))
    sweep_versions(workspace)
    assert kept.artifact.exists() and not list((workspace.root / VERSIONS).glob("*/.*"))
    (kept.artifact / "data.mdb").unlink()  # as gc of earlier versions left it when it was killed
    keep_version(crops(workspace))
    assert count(kept.artifact) == 6


def test_data_stands_in_its_folder_whole_or_not_at_all(
    share: Share, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt = read_learnt_from(holder_of(workspace, learn(share, workspace, 1)).lineage)
    (folder := workspace.root / "then").mkdir()
    with monkeypatch.context() as killing, pytest.raises(Killed):
        killing.setattr("ocr_pipeline.release.versions.link_artifact", kill)
        data_again(workspace, learnt, folder)
    assert not list(folder.iterdir())
    monkeypatch.chdir(folder)
    data_again(workspace, learnt, Path())
    assert count(folder / crops(workspace).name) == 6
    states = {one.name: one.state for one in holders(workspace) if one.name.endswith(crops(workspace).name)}
    assert sorted(states.values()) == ["copy", "current", "kept version"] and states[crops(workspace).name] == "current"
    assert [state for _, state in still_there(workspace, learnt)] == ["current"]
    options = ["lineage", "--image", "a.png", "--data_to", str(folder), "--output", str(workspace.root)]
    assert "--checkpoint" in CliRunner().invoke(cli, options).output


def test_data_that_is_made_anew_while_it_is_kept_is_told(
    share: Share, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(share, workspace)

    def retire_and_link(source: Path, target: Path) -> bool:
        manifest_path(crops(workspace)).unlink(missing_ok=True)
        return link_or_copy(source, target)

    monkeypatch.setattr("ocr_pipeline.storage.artifacts.versions.link_or_copy", retire_and_link)
    with pytest.raises(PipelineError, match="is being made anew"):
        keep_version(crops(workspace))
    assert not list((workspace.root / VERSIONS).glob("*/*"))


def test_nothing_is_removed_between_the_keeping_and_the_naming_of_a_version(share: Share, workspace: Workspace) -> None:
    deliver(share, workspace)
    with ThreadPoolExecutor(1) as other:
        with versions_lease(workspace, "a training that begins"):
            keep_version(crops(workspace))
            swept = other.submit(sweep_versions, workspace)
            assert not wait([swept], 0.2).done
            note_pages(recipe_of(workspace, RECOGNIZER).data, workspace.dlora_run("first"))
        assert not swept.result(60) and list(kept_versions(workspace.root))


def test_what_is_made_anew_does_not_get_into_a_training_that_began_before(share: Share, workspace: Workspace) -> None:
    deliver(share, workspace)
    recipe = recipe_of(workspace, RECOGNIZER)
    assert recipe.as_kept() == recipe  # nothing is kept yet
    note_learnt(workspace, recipe, workspace.dlora_run("first"))
    (data,) = recipe.as_kept().train
    before = count(data)
    write_tree(Path(share.place), {path.replace("4PR_", "4PR_9"): data for path, data in hand_tree(1).items()})
    deliver(share, workspace)
    assert (count(data), data.name, count(crops(workspace))) == (before, crops(workspace).name, before + 2)


def test_a_page_to_be_forgotten_is_not_taken_from_under_a_training(share: Share, workspace: Workspace) -> None:
    learn(share, workspace, 1)
    forget = ["forget", "--image", "IMG_OCR_53_4PR_00001.png", "--output", str(workspace.root)]
    assert CliRunner().invoke(cli, forget).exit_code == 0
    learnt = read_learnt_from(holder_of(workspace, "dlora_champion").lineage)
    with pytest.raises(PipelineError, match="to be forgotten is in handwriting_annotations_train"):
        data_again(workspace, learnt, workspace.root / "then")
    with lease(lease_path(workspace, "dlora_checkpoint", None), "a run"):
        assert not sweep_versions(workspace) and list(kept_versions(workspace.root))
        (under_way,) = judged_versions(workspace, 3)
        assert under_way.named_by == "a training under way"
    assert sweep_versions(workspace) and not list(kept_versions(workspace.root))


def test_where_there_are_no_hard_links_a_version_is_copied(
    share: Share, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    learn(share, workspace, 1)
    manifest = read_manifest(crops(workspace))
    assert manifest
    kept = version_of(crops(workspace), manifest.fingerprint)
    assert count(kept.artifact) == 6 and bytes_freed([kept]) > 0 and "is copied" in caplog.text
