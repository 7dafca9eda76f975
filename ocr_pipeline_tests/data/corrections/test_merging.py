"""Corrections in merged_json: applied, undone, counted; only what they touch is made anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ocr_pipeline.data.corrections import Correction, read_overlay, write_overlay
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.merged_json import label_shards, merge_labels, read_pages
from ocr_pipeline.data.states import partition_states
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import Manifest, quarantine_path
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.corrections.making import NOON, said
from ocr_pipeline_tests.trees import WILD_LABEL, contents, hand_tree, wild_image, wild_label, wild_word, write_tree

TRAIN = source_partition("handwriting_train")
WILD_SET = source_partition("text_in_wild")


@pytest.fixture
def share(tmp_path: Path) -> Share:
    return Share(write_tree(tmp_path / "share", hand_tree(6, folders=3)))


def merged(share: Share, workspace: Workspace, *rows: Correction) -> Manifest:
    write_overlay(workspace.corrections(TRAIN.key), rows)
    return merge_labels(share, TRAIN, workspace)


def texts(workspace: Workspace) -> dict[str, list[str]]:
    pages = read_pages(workspace.merged_json(TRAIN.key), TRAIN)
    return {page.image: [word.text for word in page.words] for page in pages}


def test_an_overlay_reads_as_it_was_written(tmp_path: Path) -> None:
    quad = ((0.1, 1.0), (9.0, 1.5), (9.0, 5.0), (0.0, 5.0))
    rows = [
        said(1, 0, "가나", after="가너", before_quad=quad, who="김", why="jamo", note="=1+1"),
        said(0, 1, "글0", "quad", after_quad=quad, undone=NOON),
    ]
    write_overlay(tmp_path / "a.parquet", rows)
    assert read_overlay(tmp_path / "a.parquet") == rows[::-1]
    write_overlay(tmp_path / "b.parquet", rows[::-1])
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_corrections_are_applied_undone_and_never_touch_the_share(share: Share, workspace: Workspace) -> None:
    raw = contents(Path(share.place))
    plain = merge_labels(share, TRAIN, workspace)
    before = workspace.merged_json(TRAIN.key).read_bytes()
    manifest = merged(share, workspace, said(0, 0, "가나", after="가너"))
    assert texts(workspace)["IMG_OCR_53_4PR_00000.png"] == ["가너", "글0"]
    assert [item.name for item in manifest.inputs] == ["labels", "corrections"]
    assert manifest.counts.notes["corrections_applied"] == 1
    assert merge_labels(share, TRAIN, workspace) == manifest
    again = merged(share, workspace, said(0, 0, "가나", after="가너", undone=NOON))
    assert workspace.merged_json(TRAIN.key).read_bytes() == before
    assert again.fingerprint == plain.fingerprint
    assert contents(Path(share.place)) == raw


def test_only_touched_shards_are_made_anew(share: Share, workspace: Workspace, monkeypatch) -> None:
    monkeypatch.setattr(label_shards, "SHARD_SIZE", 2)
    merge_labels(share, TRAIN, workspace)
    store = workspace.shards(workspace.merged_json(TRAIN.key))
    before = {path.name: path.stat().st_mtime_ns for path in store.iterdir()}
    merged(share, workspace, said(0, 0, "가나", after="가너"))
    after = {path.name: path.stat().st_mtime_ns for path in store.iterdir()}
    assert len(before) == len(after) == 3
    assert len(before.items() & after.items()) == 2


def test_what_finds_no_label_file_is_named(share: Share, workspace: Workspace) -> None:
    manifest = merged(share, workspace, said(0, 0, "가나", after="가너"), said(77, 0, "가나", after="가너"))
    records = list(read_quarantine(quarantine_path(workspace.merged_json(TRAIN.key))))
    assert [(record.image, record.detail) for record in records] == [
        ("IMG_OCR_53_4PR_00077.png", "there is no such label file any more")
    ]
    assert manifest.counts.notes == {"corrections_applied": 1, "corrections_stale": 1}
    assert manifest.counts.add_up


def test_status_says_that_corrections_came(share: Share, workspace: Workspace) -> None:
    merge_labels(share, TRAIN, workspace)

    def state() -> str:
        return str(next(partition_states(workspace, TRAIN, share, {})).state)

    assert state() == "complete"
    write_overlay(workspace.corrections(TRAIN.key), [said(0, 0, "가나", after="가너")])
    assert state() == "stale (corrections changed)"
    merge_labels(share, TRAIN, workspace)
    assert state() == "complete"
    write_overlay(workspace.corrections(TRAIN.key), [])
    assert state() == "stale (corrections changed)"


def test_the_set_that_comes_as_one_file(tmp_path: Path, workspace: Workspace) -> None:
    document = wild_label(
        [wild_image("1", "a.jpg"), wild_image("2", "b.jpg")],
        [wild_word("1", "한극", [1, 1, 9, 9]), wild_word("2", "나라", [1, 1, 9, 9])],
    )
    share = Share(write_tree(tmp_path / "share", {WILD_LABEL: document}))
    target = workspace.merged_json("text_in_wild")
    plain = merge_labels(share, WILD_SET, workspace)
    came, pages = target.read_bytes(), list(read_pages(target, WILD_SET))
    row = Correction(
        label=pages[0].label, image="a.jpg", word=0, action="text", before="한극", after="한국", when=NOON, review="r"
    )
    write_overlay(
        workspace.corrections("text_in_wild"),
        [
            row,
            said(9, 0, "x", "ignore"),
        ],
    )
    manifest = merge_labels(share, WILD_SET, workspace)
    json.loads(target.read_bytes())
    corrected = list(read_pages(target, WILD_SET))
    assert [page.words[0].text for page in corrected] == ["한국", "나라"]
    assert [(page.label, page.split) for page in corrected] == [(page.label, page.split) for page in pages]
    assert manifest.counts.notes["corrections_applied"] == 1
    write_overlay(workspace.corrections("text_in_wild"), [])
    assert merge_labels(share, WILD_SET, workspace).fingerprint == plain.fingerprint
    assert target.read_bytes() == came


def test_a_damaged_overlay_stops_the_merge(share: Share, workspace: Workspace) -> None:
    merge_labels(share, TRAIN, workspace)
    path = workspace.corrections(TRAIN.key)
    path.parent.mkdir()
    path.write_bytes(b"PAR1 no parquet")
    with pytest.raises(PipelineError, match="corrections cannot be read"):
        merge_labels(share, TRAIN, workspace)
