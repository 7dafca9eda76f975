"""Lineage in both directions: the same as a walk through all that is stored, and whole after all of it has changed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from ocr_pipeline.cli import cli
from ocr_pipeline.data.annotations import StoredCrops
from ocr_pipeline.data.corrections import write_overlay
from ocr_pipeline.data.layout_lmdb import LayoutReader
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER
from ocr_pipeline.release.learnt import note_learnt, note_named
from ocr_pipeline.release.lineage import held_by, holder_of, holders, learners_of, untold
from ocr_pipeline.storage.artifacts.lineage import lineage_path
from ocr_pipeline.storage.artifacts.lineage_parquet import Wanted, read_learnt_from, read_traces
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.versions import kept_versions
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.corrections.making import said
from ocr_pipeline_tests.release.learning import TRAIN, deliver, recipe_of, train
from ocr_pipeline_tests.trees import HAND_LABELS, hand_tree, write_tree

Pages = Counter[tuple[str, str]]


@pytest.fixture
def share(tmp_path: Path) -> Share:
    return Share(write_tree(tmp_path / "share", hand_tree(6, folders=3)))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "output")


@pytest.fixture(scope="module")
def all_learnt(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """All data of a small share, and a detector and a recognizer that learnt from it."""
    root = tmp_path_factory.mktemp("learnt")
    share, workspace = Share(write_tree(root / "share", hand_tree(6, folders=3))), Workspace(root / "output")
    write_overlay(workspace.corrections(TRAIN.key), [said(0, 0, "가나", after="가너"), said(3, 1, "no", after="글9")])
    deliver(share, workspace)
    train(workspace, DETECTOR)
    train(workspace, RECOGNIZER)
    return workspace


@pytest.fixture
def learnt(all_learnt: Workspace, share: Share, workspace: Workspace) -> Workspace:
    """The same to change, over a share of its own."""
    shutil.copytree(all_learnt.root, workspace.root)
    return workspace


def merged_walk(workspace: Workspace) -> Pages:
    pages = read_pages(workspace.merged_json(TRAIN.key), TRAIN)
    return Counter({(page.label, page.image): len(page.words) for page in pages})


def crops_walk(workspace: Workspace, artifact: Path | None = None) -> Pages:
    stored = StoredCrops(artifact or workspace.annotations("handwriting", "train", "lmdb"))
    origins = (msgspec.json.decode(crop.meta or b"") for crop in stored.get(stored.numbers))
    return Counter((origin["source"], origin["image"]) for origin in origins)


def layout_walk(workspace: Workspace, artifact: Path | None = None) -> Pages:
    reader = LayoutReader(artifact or workspace.layout_lmdb("handwriting", "train"))
    records = (reader.read(place)[1] for place in range(len(reader)))
    return Counter({(record.label, record.image): len(record.words) for record in records})


def walked(workspace: Workspace) -> dict[str, Pages]:
    """What each artifact and checkpoint holds by a look at every page and crop that is stored."""
    merged, crops, layouts = merged_walk(workspace), crops_walk(workspace), layout_walk(workspace)
    kept = {f"{kind}/champions/{version(workspace, kind)}" for kind in ("fast", "dlora")}
    found = {
        str(kept.artifact.relative_to(workspace.root)): (layout_walk if "layout" in kept.name else crops_walk)(
            workspace, kept.artifact
        )
        for kept in kept_versions(workspace.root)
    }
    made_of_all = ("json_merged/handwriting_train_merged.json", "lookup/lookup_handwriting_train.pkl.gz")
    found |= dict.fromkeys(made_of_all, merged)
    found |= dict.fromkeys(
        ("handwriting_annotations_train.lmdb", "dlora/dlora_checkpoint", "dlora/dlora_champion"), crops
    )
    found |= dict.fromkeys(
        ("handwriting_train_layout.lmdb", "fast/fast_checkpoint.pth", "fast/fast_champion.pth"), layouts
    )
    return found | {
        f"{name}{'.pth' * name.startswith('fast')}": layouts if name.startswith("fast") else crops for name in kept
    }


def version(workspace: Workspace, kind: str) -> str:
    manifest = read_manifest(workspace.fast_champion if kind == "fast" else workspace.dlora_champion)
    assert manifest
    return manifest.fingerprint


def told(workspace: Workspace, wanted: Wanted) -> dict[str, Pages]:
    found = held_by(workspace, wanted)
    return {
        holder.name: Counter({(trace.label, trace.image): trace.words for trace in traces})
        for holder, traces in found
        if holder.stage != "training"
    }


def test_lineage_is_what_a_walk_through_everything_finds(all_learnt: Workspace) -> None:
    everything = walked(all_learnt)
    assert told(all_learnt, Wanted()) == everything and len(merged_walk(all_learnt)) == 6
    for label, image in islice(merged_walk(all_learnt), 2):
        of_page = {name: Counter({(label, image): pages[label, image]}) for name, pages in everything.items()}
        for wanted in (
            Wanted(label),
            Wanted(image=image),
            Wanted(f"/mnt/share/{label}"),
            Wanted("Z:\\share\\" + label.replace("/", "\\")),
            Wanted(unicodedata.normalize("NFD", label)),
            Wanted(image=f"Z:\\원천데이터\\{image.upper()}"),
            Wanted(image=Path(image).stem),
        ):
            assert told(all_learnt, wanted) == of_page
    for nothing in (Wanted(image="IMG_OCR_53_4PR_0000"), Wanted("0.json"), Wanted("/"), Wanted(image="\udcff.png")):
        assert not told(all_learnt, nothing)


def test_a_checkpoint_leads_to_its_label_files_with_what_was_corrected(all_learnt: Workspace) -> None:
    for name, walk in (("dlora_champion", crops_walk), ("fast_champion", layout_walk)):
        traces = list(read_traces(holder_of(all_learnt, name).lineage))
        assert {(trace.label, trace.image) for trace in traces} == set(walk(all_learnt))
        (corrected,) = (trace for trace in traces if trace.corrections)  # the other one was stale
        assert corrected.image == "IMG_OCR_53_4PR_00000.png"
        assert [json.loads(text)["after"] for text in corrected.corrections] == ["가너"]


@pytest.mark.slow
def test_after_ten_deliveries_the_first_champion_still_knows_all_it_learnt(share: Share, workspace: Workspace) -> None:
    deliver(share, workspace)
    first, before = train(workspace), crops_walk(workspace)
    for number in range(10):
        label = f"{HAND_LABELS}/R.Free0/IMG_OCR_53_4PR_{number:05d}.json"
        (Path(share.place) / label).unlink(missing_ok=True)
        write_tree(
            Path(share.place), {path.replace("4PR_", f"4PR_{number}"): data for path, data in hand_tree(1).items()}
        )
        deliver(share, workspace)
        train(workspace)
    traces = read_traces(holder_of(workspace, first).lineage)
    assert Counter({(trace.label, trace.image): trace.words for trace in traces}) == before
    assert set(before) - set(crops_walk(workspace))


def test_data_leads_to_those_who_learnt_from_just_this_version(share: Share, learnt: Workspace) -> None:
    data = holder_of(learnt, "handwriting_annotations_train.lmdb")
    learners = {one.name for one, of in learners_of(learnt, data) if of.version == data.version}
    assert learners >= {"dlora/dlora_checkpoint", "dlora/dlora_champion"}
    write_tree(Path(share.place), {path.replace("4PR", "9PR"): content for path, content in hand_tree(1).items()})
    deliver(share, learnt)
    assert not list(learners_of(learnt, holder_of(learnt, "handwriting_annotations_train.lmdb")))


def test_data_that_is_made_anew_before_a_training_begins_is_not_taken_for_what_it_was(
    share: Share, learnt: Workspace
) -> None:
    recipe = recipe_of(learnt, RECOGNIZER)
    write_tree(Path(share.place), {path.replace("4PR", "9PR"): content for path, content in hand_tree(1).items()})
    deliver(share, learnt)
    with pytest.raises(PipelineError, match="made anew while a training was about to begin"):
        note_learnt(learnt, recipe, learnt.dlora_run("another"))


def test_a_training_at_the_command_line_notes_what_it_learns_from(
    share: Share, learnt: Workspace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    crops, run = learnt.annotations("handwriting", "train", "lmdb"), tmp_path / "runs/mine"
    note_named([crops, tmp_path / "foreign.lmdb"], [crops], run)
    assert "foreign.lmdb" in caplog.text
    (run / "checkpoint-4").mkdir()
    before = {(trace.label, trace.image) for trace in read_traces(run / "lineage.parquet")}
    assert before == set(crops_walk(learnt))
    table = say(learnt, "--checkpoint", str(run / "checkpoint-4"))
    assert "handwriting_annotations_train.lmdb" in table and "validation" in table and "current" in table
    first = holder_of(learnt, "handwriting_annotations_train.lmdb").version
    write_tree(Path(share.place), {path.replace("4PR", "9PR"): content for path, content in hand_tree(1).items()})
    deliver(share, learnt)
    note_named([crops], [], run)  # it goes on, and learns from more
    second = holder_of(learnt, "handwriting_annotations_train.lmdb").version
    noted = [(one.version, one.role) for one in read_learnt_from(run / "lineage.parquet")]
    assert noted == [(first, ""), (first, "validation"), (second, "")]
    assert {trace.version for trace in read_traces(run / "lineage.parquet")} == {first, second}


def test_an_artifact_without_pages_has_no_lineage_of_the_one_before(share: Share, learnt: Workspace) -> None:
    assert lineage_path(learnt.merged_json(TRAIN.key)).exists()
    for label in Path(share.place).rglob("*.json"):
        label.unlink()
    deliver(share, learnt)
    assert not lineage_path(learnt.merged_json(TRAIN.key)).exists()


def test_a_checkpoint_is_found_by_any_path_of_it(
    all_learnt: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (link := tmp_path / "link").symlink_to(all_learnt.root)
    run = next((all_learnt.root / "dlora/runs").iterdir())
    monkeypatch.chdir(all_learnt.root / "dlora")
    for champion in ("dlora_champion", "./dlora_champion/", "dlora/dlora_champion", f"{link}/dlora/dlora_champion/x"):
        assert holder_of(all_learnt, champion).name == "dlora/dlora_champion"
    assert holder_of(all_learnt, f"../fast/../dlora/runs/{run.name}/best").stage == "training"
    for other in (".", "../fast", "nothing"):
        with pytest.raises(PipelineError, match="nothing of that name has a lineage"):
            holder_of(all_learnt, other)


def test_what_does_not_tell_its_pages_is_named(learnt: Workspace) -> None:
    assert not list(untold(learnt)) and "not all known" not in CliRunner().invoke(cli, ask(learnt)).output
    crops = learnt.annotations("handwriting", "train", "lmdb")
    lineage_path(crops).unlink()  # as of an earlier version
    assert list(untold(learnt)) == [crops.name]
    lineage_path(learnt.dlora_checkpoint).unlink()
    of_it = note_learnt(learnt, recipe_of(learnt, RECOGNIZER), learnt.dlora_run("again"))
    shutil.copyfile(of_it, lineage_path(learnt.dlora_champion))
    names = [crops.name, "dlora/dlora_champion", "dlora/dlora_checkpoint"]
    assert sorted(untold(learnt)) == sorted(names)
    told = CliRunner().invoke(cli, ask(learnt)).output
    assert all(name in told for name in names) and "not all known" in told


def ask(workspace: Workspace) -> list[str]:
    return ["lineage", "--image", "IMG_OCR_53_4PR_00001.png", "--output", str(workspace.root)]


def test_what_lies_on_another_disk_is_looked_through_and_what_is_closed_is_named(
    learnt: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [one.name for one in holders(learnt)]
    shutil.move(learnt.root / "fast", tmp_path / "disk")
    (learnt.root / "fast").symlink_to(tmp_path / "disk")
    (learnt.root / "fast" / "round").symlink_to(learnt.root)
    assert [one.name for one in holders(learnt)] == before

    def refuse(path: str) -> Iterator[os.DirEntry[str]]:
        if str(path).endswith("fast/champions"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", refuse)
    assert list(untold(learnt)) == ["fast/champions"]
    assert [one.name for one in holders(learnt)] == [name for name in before if not name.startswith("fast/champions")]


def test_what_goes_while_it_is_asked_for_is_passed_over(learnt: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    data = holder_of(learnt, "handwriting_annotations_train.lmdb")
    found = holders(learnt)
    gone = [one for one in found if one.state == "kept version" or one.stage == "training"]
    for one in gone:
        one.lineage.unlink()
    monkeypatch.setattr("ocr_pipeline.release.lineage.holders", lambda _: found)
    assert {holder.name for holder, _ in held_by(learnt, Wanted())} == {one.name for one in found if one not in gone}
    assert {one.name for one, _ in learners_of(learnt, data)} >= {"dlora/dlora_champion", "dlora/dlora_checkpoint"}


def say(workspace: Workspace, *options: str) -> str:
    result = CliRunner().invoke(cli, ["lineage", "--output", str(workspace.root), *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_tells_all_of_it(all_learnt: Workspace) -> None:
    table = say(all_learnt, "--checkpoint", "dlora_champion")
    assert "champion in use" in table and "handwriting_annotations_train.lmdb" in table and "merged_json" in table
    lines = say(all_learnt, "--checkpoint", "dlora_champion", "--json").splitlines()
    assert {json.loads(line)["label"] for line in lines} == {label for label, _ in crops_walk(all_learnt)}
    assert "dlora/dlora_champion" in say(all_learnt, "--artifact", "handwriting_annotations_train.lmdb")
    csv = say(all_learnt, "--image", "IMG_OCR_53_4PR_00001.png", "--csv")
    assert csv.startswith("held_by,") and "fast/fast_champion.pth" in csv
    assert "Nothing that has a lineage holds nobody.json in" in say(all_learnt, "--label", "nobody.json")
    assert CliRunner().invoke(cli, ["lineage", "--output", str(all_learnt.root)]).exit_code == 2
