from __future__ import annotations

import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.walking import state_of, walk


def test_files_come_sorted_and_nothing_that_is_hidden(tmp_path):
    for name in ("b.JPG", "a.jpg", "._a.jpg", "c.txt", "below/d.jpg", ".kept/e.jpg", "closed/f.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = walk(tmp_path, {".jpg"}, is_closed=lambda folder: folder.name == "closed")
    assert [str(path.relative_to(tmp_path)) for path in found.files] == ["a.jpg", "b.JPG", "below/d.jpg"]
    assert (found.others, found.closed) == ({".txt": 1}, [tmp_path / "closed"])
    assert len(walk(tmp_path, {".jpg"}, deep=False).files) == 2


def test_a_folder_that_cannot_be_looked_into_is_no_empty_one(tmp_path):
    with pytest.raises(PipelineError, match="cannot be looked into"):
        walk(tmp_path / "absent", {".jpg"})


def test_a_file_that_changes_or_goes_has_another_state(tmp_path):
    file = tmp_path / "a.jpg"
    states = [state_of(file)]
    for content in (b"a", b"ab"):
        file.write_bytes(content)
        states.append(state_of(file))
    assert len(set(states)) == 3
