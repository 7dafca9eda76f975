from __future__ import annotations

from pathlib import Path

import pytest

from ocr_pipeline.data.review import import_review, read_sitting, read_suspects, reader_names, yield_by_kind
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import quarantine_path
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.data.corrections.making import said
from ocr_pipeline_tests.data.quality.making import TRAIN, admin_page
from ocr_pipeline_tests.data.review.looking import KEY, Parrot, Pointer, search
from ocr_pipeline_tests.data.review.test_importing import saved
from ocr_pipeline_tests.trees import HAND_PICTURES, hand_tree, picture, write_tree

PAGES = 120


def test_what_is_read_otherwise_is_published(tmp_path: Path, workspace: Workspace) -> None:
    share = write_tree(tmp_path / "share", hand_tree(3))
    manifest = search(share, workspace, Parrot())
    found = list(read_suspects(workspace.suspects(KEY)))
    assert [(each.text, each.reading, each.kind) for each in found] == [
        (f"글{number}", "가나", "other") for number in range(3)
    ]
    assert manifest.counts.add_up and manifest.counts.words_out == 6
    assert manifest.metrics["suspects"] == 3 == manifest.metrics["suspects_other"]
    assert reader_names(workspace.suspects(KEY)) == ["parrot"]
    assert all(0 <= each.error_rate < 1 and each.readings == (("가나", 0.9),) for each in found)


def test_a_partition_of_nothing_and_one_of_a_few_words(tmp_path: Path, workspace: Workspace) -> None:
    share = write_tree(tmp_path / "share", hand_tree(1))
    search(share, workspace, Parrot("글1"))
    mistyped, another = read_suspects(workspace.suspects(KEY))
    assert (mistyped.kind, another.kind) == ("jamo", "other") and mistyped.error_rate > 0.01
    manifest = search(share, workspace, Parrot(), TRAIN)
    assert manifest.metrics["suspects"] == 0 and not list(read_suspects(workspace.suspects(TRAIN.key)))


def test_only_pages_that_are_new_are_read(tmp_path: Path, workspace: Workspace) -> None:
    share, reader = write_tree(tmp_path / "share", hand_tree(PAGES)), Parrot()
    search(share, workspace, reader)
    search(share, workspace, reader)
    assert reader.shown == 2 * PAGES
    write_tree(share, {path: content for path, content in hand_tree(PAGES + 1).items() if path not in hand_tree(PAGES)})
    search(share, workspace, reader)
    assert 2 * PAGES < reader.shown < 3 * PAGES
    search(share, workspace, Parrot(fingerprint="another"))
    assert len(list(read_suspects(workspace.suspects(KEY)))) == PAGES + 1


def test_a_run_that_was_stopped_goes_on(tmp_path: Path, workspace: Workspace) -> None:
    share, reader = write_tree(tmp_path / "share", hand_tree(PAGES)), Parrot()

    def stop() -> None:
        if reader.shown >= PAGES:
            raise KeyboardInterrupt

    reader.before = stop
    with pytest.raises(KeyboardInterrupt):
        search(share, workspace, reader)
    assert not workspace.suspects(KEY).exists()
    again = Parrot()
    search(share, workspace, again)
    assert again.shown < 2 * PAGES
    whole = workspace.suspects(KEY).read_bytes()
    other = Workspace(tmp_path / "other")
    search(share, other, Parrot())
    assert other.suspects(KEY).read_bytes() == whole


def test_a_picture_that_cannot_be_read_is_set_aside(tmp_path: Path, workspace: Workspace) -> None:
    share = write_tree(tmp_path / "share", hand_tree(3))
    (share / HAND_PICTURES / "R.Free0" / "IMG_OCR_53_4PR_00001.png").write_bytes(b"no picture")
    manifest = search(share, workspace, Parrot())
    assert manifest.counts.add_up and manifest.counts.pages_out == 2
    (record,) = read_quarantine(quarantine_path(workspace.suspects(KEY)))
    assert record.reason == "image_unreadable" and record.words == 2


def test_what_a_person_kept_is_not_shown_again(tmp_path: Path, workspace: Workspace) -> None:
    share, reader = write_tree(tmp_path / "share", hand_tree(3)), Parrot()
    search(share, workspace, reader)
    rows = said(0, 1, "글0", "keep", why="other"), said(1, 1, "글1", after="가나", why="other")
    import_review(workspace, read_sitting(saved(tmp_path, *rows)))
    search(share, workspace, reader)
    assert [each.text for each in read_suspects(workspace.suspects(KEY))] == ["글2"]
    (found,) = yield_by_kind(workspace, KEY)
    assert found[:3] == ("other", 2, 1) and 0.05 < found.low < 0.5 < found.high < 0.95


def test_one_picture_with_two_labels(tmp_path: Path, workspace: Workspace) -> None:
    share = write_tree(
        tmp_path / "share",
        admin_page("train", "one", "가나", image=picture(".jpg"))
        | admin_page("train", "two", "가너", image=picture(".jpg")),
    )
    search(share, workspace, Parrot("가나"), TRAIN)
    found = {each.image: (each.kind, each.text, each.reading) for each in read_suspects(workspace.suspects(TRAIN.key))}
    assert found == {"one.jpg": ("twins", "가나", "가너"), "two.jpg": ("jamo", "가너", "가나")}


def test_text_that_nobody_labelled(tmp_path: Path, workspace: Workspace) -> None:
    share = write_tree(tmp_path / "share", admin_page("train", "one", "가나"))
    search(share, workspace, Parrot(), TRAIN, Pointer())
    (found,) = read_suspects(workspace.suspects(TRAIN.key))
    assert (found.kind, found.text, found.reading, found.quad[0]) == ("unlabelled", "", "가나", (40.0, 20.0))
    hand = write_tree(tmp_path / "hand", hand_tree(1))
    search(hand, workspace, Parrot(), finder=Pointer())
    assert {each.kind for each in read_suspects(workspace.suspects(KEY))} <= {"other", "no_text"}


def test_what_is_not_there_is_told(workspace: Workspace) -> None:
    with pytest.raises(PipelineError, match="Run `ocr-pipeline suspects` first"):
        next(read_suspects(workspace.suspects(KEY)))
    workspace.suspects(KEY).parent.mkdir(parents=True)
    workspace.suspects(KEY).write_bytes(b"PAR1")
    with pytest.raises(PipelineError, match="cannot be read"):
        next(read_suspects(workspace.suspects(KEY)))
