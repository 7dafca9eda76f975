from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from ocr_pipeline.data.adoption import adopt
from ocr_pipeline.data.annotations import AnnotationSettings, CropReader, build_annotations
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.lookup import build_lookup, load_lookup, read_lookup
from ocr_pipeline.data.merged_json import merge_labels, read_pages
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.lineage import lineage_path
from ocr_pipeline.storage.artifacts.lineage_parquet import read_traces
from ocr_pipeline.storage.artifacts.manifest import Manifest, quarantine_path, read_manifest
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.renewal import Renewal
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.adoption.making import (
    merged_of_corners,
    only,
    write_folder,
    write_json,
    write_lmdb,
    write_pickle,
)
from ocr_pipeline_tests.trees import contents, hand_tree, picture, write_tree

TRAIN = source_partition("handwriting_train")
JPEG = picture(".jpg")


def states(folder: Path, workspace: Workspace) -> dict[str, str]:
    return {outcome.candidate.path.name: outcome.state for outcome in adopt(folder, workspace)[0]}


def run_stages(share: Share, workspace: Workspace) -> list[Manifest]:
    return [
        merge_labels(share, TRAIN, workspace),
        build_lookup(share, TRAIN, workspace),
        *build_annotations(share, TRAIN, workspace, AnnotationSettings("lmdb")),
    ]


def artifacts(workspace: Workspace) -> dict[str, bytes]:
    """All files but the manifests, in which the stages note what they met."""
    return {name: data for name, data in contents(workspace.root).items() if not name.endswith(".manifest.json")}


# -- the whole folder ------------------------------------------------------------------------------------------------


def test_every_kind_of_file_becomes_an_artifact_and_none_is_changed(tmp_path, workspace):
    folder = write_folder(tmp_path / "old")
    before, times = contents(folder), {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    outcomes, unknown = adopt(folder, workspace)
    assert {outcome.state for outcome in outcomes} == {"adopted"}
    assert len(outcomes) == 6 and not unknown
    assert (contents(folder), {path: path.stat().st_mtime_ns for path in folder.rglob("*")}) == (before, times)
    for outcome in outcomes:
        manifest = read_manifest(outcome.candidate.target(workspace))
        assert manifest and manifest.adopted and manifest.counts.add_up
        assert quarantine_path(outcome.candidate.target(workspace)).exists()
    counted = {
        outcome.candidate.path.name: (outcome.counts.pages_out, outcome.counts.words_out) for outcome in outcomes
    }
    assert counted == {
        "handwriting_train_merged.json": (1, 2),
        "public_admin_valid_merged.json": (1, 1),
        "textinthewild_data_info.json": (1, 1),
        "lookup_handwriting_train.pkl.gz": (1, 0),
        "handwriting_annotations_train.lmdb": (0, 2),
        "handwriting_annotations_valid.jsonl": (0, 1),
    }


def test_what_was_taken_over_is_what_the_stages_read(tmp_path, workspace):
    adopt(write_folder(tmp_path / "old"), workspace)
    (page,) = read_pages(workspace.merged_json(TRAIN.key), TRAIN)
    assert [word.text for word in page.words] == ["가", "나"]
    assert load_lookup(workspace, TRAIN).find(page) == "/run/Y:\\ocr_dataset/IMG_1.png"
    lmdb = CropReader(workspace.annotations("handwriting", "train", "lmdb"))
    assert [lmdb.read(place)[:2] for place in range(len(lmdb))] == [(JPEG, "가")] * 2
    jsonl = CropReader(workspace.annotations("handwriting", "valid", "jsonl"))
    assert [jsonl.read(place)[:2] for place in range(len(jsonl))] == [(JPEG, "나")]


def test_again_it_does_nothing_and_a_changed_file_keeps_what_is_published(tmp_path, workspace):
    folder = write_folder(tmp_path / "old")
    states(folder, workspace)
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in workspace.root.rglob("*")}
    assert set(states(folder, workspace).values()) == {"already adopted"}
    os.utime(folder / "json_merged/handwriting_train_merged.json", (1, 1))
    assert states(folder, workspace)["handwriting_train_merged.json"] == "kept"
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in workspace.root.rglob("*")} == before


def test_what_another_workspace_published_is_taken_over_with_its_pages(tmp_path, workspace):
    share, other = Share(write_tree(tmp_path / "share", hand_tree(3))), Workspace(tmp_path / "other")
    run_stages(share, other)
    assert set(states(other.root, workspace).values()) == {"adopted"}
    merged = [place.merged_json(TRAIN.key) for place in (other, workspace)]
    assert merged[0].read_bytes() == merged[1].read_bytes()
    assert len(set(map(list_of_pages, merged))) == 1 and list_of_pages(merged[1])


def list_of_pages(merged: Path) -> tuple[str, ...]:
    return tuple(trace.image for trace in read_traces(lineage_path(merged)))


def test_the_stages_leave_finished_work_alone(tmp_path, workspace):
    share = Share(write_tree(tmp_path / "share", hand_tree(3)))
    old = write_folder(tmp_path / "old")
    write_pickle(old / "FAST/FAST/lookup_handwriting_train.pkl.gz", {"IMG_1": f"{share.root}/IMG_1.png"})
    adopt(old, workspace)
    before = artifacts(workspace)
    first = run_stages(share, workspace)
    assert all(manifest.adopted for manifest in first)
    assert run_stages(share, workspace) == first
    assert set(states(old, workspace).values()) == {"already adopted"}
    assert artifacts(workspace) == before


def test_new_label_files_and_an_explicit_wish_make_it_anew(tmp_path, workspace):
    share = Share(write_tree(tmp_path / "share", hand_tree(3)))
    old = write_folder(tmp_path / "old")
    write_pickle(old / "FAST/FAST/lookup_handwriting_train.pkl.gz", {"IMG_1": f"{share.root}/IMG_1.png"})
    adopt(old, workspace)
    run_stages(share, workspace)
    write_tree(tmp_path / "share", hand_tree(4))
    renewed = run_stages(share, workspace)
    assert not any(manifest.adopted for manifest in renewed)
    assert [manifest.counts.pages_out for manifest in renewed] == [4, 4, 4]
    aside = workspace.merged_json(TRAIN.key).with_name("handwriting_train_merged.json.earlier")
    assert aside.read_bytes() == (old / "json_merged/handwriting_train_merged.json").read_bytes()

    other = Workspace(tmp_path / "other")
    adopt(old, other)
    assert not merge_labels(share, TRAIN, other, renewal=Renewal(rebuild=True)).adopted
    assert not build_lookup(share, TRAIN, other, renewal=Renewal(rebuild=True)).adopted
    (crops,) = build_annotations(share, TRAIN, other, AnnotationSettings("lmdb"), renewal=Renewal(rebuild=True))
    assert not crops.adopted


def test_a_lookup_that_leads_to_another_place_is_made_anew(tmp_path, workspace, caplog):
    share = Share(write_tree(tmp_path / "share", hand_tree(3)))
    adopt(write_folder(tmp_path / "old"), workspace)
    merge_labels(share, TRAIN, workspace, renewal=Renewal(rebuild=True))
    manifest = build_lookup(share, TRAIN, workspace)
    assert not manifest.adopted and manifest.counts.pages_out == 3
    assert "is made anew" in caplog.text


def test_a_share_that_goes_away_leaves_what_was_adopted(tmp_path, workspace, monkeypatch):
    share = Share(write_tree(tmp_path / "share", hand_tree(3)))
    adopt(write_folder(tmp_path / "old"), workspace)
    before = contents(workspace.root)

    def gone(*_: object) -> bytes:
        raise PipelineError("the share does not answer", where="share", remedy="Mount it.")

    monkeypatch.setattr(Share, "read", gone)
    with pytest.raises(PipelineError, match="does not answer"):
        merge_labels(share, TRAIN, workspace, renewal=Renewal(rebuild=True))
    assert {name: data for name, data in contents(workspace.root).items() if ".draft/" not in name} == before


def test_the_workspace_itself_is_refused_and_passed_over_within(tmp_path):
    folder = write_folder(tmp_path / "old")
    with pytest.raises(PipelineError, match="the workspace itself"):
        adopt(folder, Workspace(folder))
    inside = Workspace(folder / "data")
    assert len(adopt(folder, inside)[0]) == len(adopt(folder, inside)[0]) == 6
    with pytest.raises(PipelineError, match="no such folder"):
        adopt(tmp_path / "nowhere", inside)


# -- what is not taken over ------------------------------------------------------------------------------------------


def test_what_is_not_recognised_is_listed_with_the_reason(tmp_path, workspace):
    names = {
        "optimized_lookup_handwriting_train.py": "programs are never run",
        "handwriting_train_100000_step_save_001.json": "intermediate save",
        "other_set_merged.json": "no partition has that name",
        "handwriting_annotations_test.jsonl": "no partition has that name",
        "checkpoint_7ep.pth": "training commands",
        "notes.txt": "no file of the guide",
    }
    for name in names:
        (tmp_path / name).write_bytes(b"")
    write_lmdb(tmp_path / "handwriting_train_layout.lmdb", [])
    write_lmdb(tmp_path / "handwriting_train.lmdb", [])
    names |= {
        "handwriting_train_layout.lmdb": "ocr-pipeline layout",
        "handwriting_train.lmdb": "not that of word crops",
    }
    outcomes, unknown = adopt(tmp_path, workspace)
    assert not outcomes
    found = {row.path.name: row.reason for row in unknown}
    assert found.keys() == names.keys()
    assert all(names[name] in reason for name, reason in found.items())


def test_many_files_of_one_kind_are_one_line(tmp_path, workspace):
    for number in range(30):
        (tmp_path / f"module_{number}.py").write_bytes(b"")
    (row,) = adopt(tmp_path, workspace)[1]
    assert (row.path.name, row.files) == ("*.py", 30)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("handwriting_train_merged.json", b'{"images": [{"file_name": "a"'),
        ("handwriting_train_merged.json", b""),
        ("lookup_handwriting_train.pkl.gz", b"no gzip"),
    ],
)
def test_a_damaged_file_is_refused_and_the_others_go_on(tmp_path, workspace, name, content, caplog):
    folder = tmp_path / "old"
    write_json(folder / "handwriting_valid_merged.json", merged_of_corners())
    (folder / name).write_bytes(content)
    assert states(folder, workspace) == {name: "refused", "handwriting_valid_merged.json": "adopted"}
    assert not list(workspace.root.rglob("*handwriting_train*"))
    assert f"{name} is refused" in caplog.text and "elete" not in caplog.text, "what is adopted is never ours to delete"


@pytest.mark.parametrize(
    "content", [{"a": {"file_name": "a"}}, ["a"], {"a": 1}, {"a": Path("/a")}], ids=["dict", "list", "number", "code"]
)
def test_a_lookup_of_anything_but_strings_is_refused(tmp_path, workspace, content):
    write_pickle(tmp_path / "old/lookup_ocr_public_train.pkl.gz", content)
    outcome = only(tmp_path / "old", workspace)
    assert (outcome.state, bool(outcome.detail)) == ("refused", True)
    assert not workspace.lookup("ocr_public_train").exists()


def test_names_of_a_lookup_become_composed(tmp_path, workspace):
    name = "한글.jpg"
    decomposed = unicodedata.normalize("NFD", name)
    write_pickle(tmp_path / "old/lookup_ocr_public_train.pkl.gz", {decomposed: "/a", name: "/a", "b": "/b"})
    outcome = only(tmp_path / "old", workspace)
    assert read_lookup(workspace.lookup("ocr_public_train")) == {name: "/a", "b": "/b"}
    assert outcome.counts.notes == {"names_composed": 1, "names_twice": 1}


def test_both_doors_count_and_set_aside_the_same(tmp_path, workspace):
    document = merged_of_corners()
    word = document["annotations"][0]
    document["annotations"] = [
        word,
        {key: value for key, value in word.items() if key != "bbox"},
        {**word, "bbox": [10, 10, 10, 10, 20, 20, 20, 20]},
        {**word, "image_id": 99},
    ]
    write_json(tmp_path / "old/handwriting_train_merged.json", document)
    adopted = only(tmp_path / "old", workspace).counts
    in_place = Workspace(tmp_path / "in place")
    write_json(in_place.merged_json(TRAIN.key), document)
    (tmp_path / "share").mkdir()
    assert merge_labels(Share(tmp_path / "share"), TRAIN, in_place).counts == adopted
    assert (adopted.words_in, adopted.words_out, adopted.pages_in, adopted.pages_out) == (4, 1, 1, 1)
    assert adopted.add_up
    set_aside = [
        sorted(record.reason for record in read_quarantine(quarantine_path(one.merged_json(TRAIN.key))))
        for one in (workspace, in_place)
    ]
    assert set_aside == [["word_malformed", "word_without_page", "word_zero_area"]] * 2


def test_documents_that_a_resumed_merge_doubled_are_noted(tmp_path, workspace):
    document = merged_of_corners()
    document["images"].append({**document["images"][0], "id": 2})
    write_json(tmp_path / "old/handwriting_train_merged.json", document)
    assert only(tmp_path / "old", workspace).counts.notes == {"pages_twice": 1}


# -- recognition LMDBs -----------------------------------------------------------------------------------------------
