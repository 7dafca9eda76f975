from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from ocr_pipeline.cli import cli
from ocr_pipeline.data.corrections import in_force, read_overlay, write_overlay
from ocr_pipeline.data.review import import_review, read_sitting, review_log, undo_review, write_sitting
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.data.corrections.making import NOON, said
from ocr_pipeline_tests.killing import kill_when, run

KEY = "handwriting_train"


def saved(folder: Path, *rows, review: str = "first", partition: str = KEY) -> Path:
    path = folder / f"{review}.json"
    write_sitting(path, partition, review, "김", list(rows))
    return path


def test_a_sitting_is_taken_over_once(tmp_path: Path, workspace: Workspace) -> None:
    path = saved(tmp_path, said(0, 0, "가나", after="가너"), said(1, 1, "글1", "keep"))
    first = import_review(workspace, read_sitting(path))
    assert (first.said, first.new, first.known, first.before, first.after) == (2, 2, 0, 0, 2)
    stands = workspace.corrections(KEY).read_bytes()
    second = import_review(workspace, read_sitting(path))
    assert (second.new, second.known, second.before, second.after) == (0, 2, 2, 2)
    assert workspace.corrections(KEY).read_bytes() == stands
    assert {row.who for row in read_overlay(workspace.corrections(KEY))} == {"김"}


def test_undone_and_taken_up_again(tmp_path: Path, workspace: Workspace) -> None:
    path = saved(tmp_path, said(0, 0, "가나", after="가너"))
    import_review(workspace, read_sitting(path))
    import_review(
        workspace, read_sitting(saved(tmp_path, said(0, 0, "가너", after="가누", minutes=3), review="second"))
    )
    assert undo_review(workspace, [KEY], "second", NOON) == {KEY: 1}
    assert Counter(line.state for line in review_log(workspace, [KEY])) == {"holds": 1, "undone": 1}
    again = import_review(workspace, read_sitting(tmp_path / "second.json"))
    assert (again.new, again.taken_up, again.before, again.after) == (0, 1, 1, 2)
    assert [line.state for line in review_log(workspace, [KEY])] == ["overruled", "holds"]
    with pytest.raises(PipelineError, match="Choose one of: first, second"):
        undo_review(workspace, [KEY], "third", NOON + timedelta(hours=1))


def test_what_cannot_be_done_is_named(tmp_path: Path, workspace: Workspace) -> None:
    path = saved(tmp_path, said(0, 0, "가나", after=" "), said(0, 1, "글0", "quad"), said(1, 0, "가나", "ignore"))
    imported = import_review(workspace, read_sitting(path))
    assert (imported.said, imported.new, len(imported.unmatched)) == (3, 1, 2)
    assert imported.said == imported.new + imported.known + imported.taken_up + len(imported.unmatched)
    assert "IMG_OCR_53_4PR_00000.png word 0 ('가나')" in imported.unmatched[0]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"format":"ocr_pipeline.review/1","partition":1}'])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(PipelineError, match="no saved review"):
        read_sitting(tmp_path / "x.json")


def test_the_commands(tmp_path: Path, workspace: Workspace) -> None:
    workspace.root.mkdir()
    path = saved(tmp_path, said(0, 0, "가나", after="=가너"))

    def told(*arguments: str):
        return CliRunner().invoke(cli, ["review", *arguments, "--output", str(workspace.root)], env={"COLUMNS": "300"})

    assert told("import", str(path)).exit_code == 0
    assert "=가너" in told("log").output
    assert "'=가너" in told("log", "--csv").output
    assert "1 corrections are undone" in told("undo", "first").output
    assert "undone" in told("log").output
    broken = saved(tmp_path, said(0, 0, "가나", after=""), review="broken")
    failed = told("import", str(broken))
    assert failed.exit_code == 1
    assert "not matched: IMG_OCR_53_4PR_00000.png word 0" in failed.output


IMPORT = """
import sys
from pathlib import Path
from ocr_pipeline.data.review import import_review, read_sitting
from ocr_pipeline.storage.artifacts.workspace import Workspace
print(import_review(Workspace(Path(sys.argv[1])), read_sitting(Path(sys.argv[2]))))
"""


@pytest.mark.kill
@pytest.mark.parametrize("point", ["draft", "grown", "placed"])
def test_a_killed_import_leaves_the_overlay_as_it_was_or_as_it_should_be(
    tmp_path: Path, workspace: Workspace, point: str
) -> None:
    target = workspace.corrections(KEY)
    write_overlay(target, [said(number, 0, "가나", after="가너") for number in range(2000)])
    rows = [said(number, 1, f"글{number}", "ignore", minutes=1, review="second") for number in range(40_000)]
    path = saved(tmp_path, *rows, review="second")
    draft, stamp = target.with_name(f".{target.name}.draft"), target.stat().st_mtime_ns
    reached = {
        "draft": draft.exists,
        "grown": lambda: draft.exists() and draft.stat().st_size > 4,
        "placed": lambda: target.stat().st_mtime_ns != stamp,
    }[point]
    kill_when(reached, IMPORT, workspace.root, path)
    assert len(in_force(read_overlay(target))) in (2000, 42_000)
    run(IMPORT, workspace.root, path)
    assert len(in_force(read_overlay(target))) == 42_000
