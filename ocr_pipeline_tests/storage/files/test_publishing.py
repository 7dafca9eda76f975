from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.locking import file_lock
from ocr_pipeline.storage.files.publishing import link_or_copy, place_of, publish_file, publish_folder, publish_text


def test_a_crash_leaves_the_old_file(tmp_path):
    target = tmp_path / "labels.json"
    publish_text(target, "old")
    with pytest.raises(RuntimeError), publish_file(target) as draft:
        draft.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    publish_text(target, "new")
    assert target.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["labels.json"]


def test_a_crash_leaves_the_old_folder(tmp_path):
    target = tmp_path / "pages.lmdb"
    with publish_folder(target) as draft:
        (draft / "data").write_text("old")
    with pytest.raises(RuntimeError), publish_folder(target) as draft:
        (draft / "data").write_text("half")
        raise RuntimeError
    assert (target / "data").read_text() == "old"


def test_a_new_folder_takes_nothing_over_from_the_old_one_or_from_a_crash(tmp_path):
    target = tmp_path / "pages.lmdb"
    for name in ("first", "crashed", "last"):
        try:
            with publish_folder(target) as draft:
                (draft / "below").mkdir()
                (draft / "below" / name).write_text(name)
                if name == "crashed":
                    raise RuntimeError
        except RuntimeError:
            continue
    assert [path.name for path in target.rglob("*")] == ["below", "last"]
    assert [path.name for path in tmp_path.iterdir()] == ["pages.lmdb"]


def test_what_a_library_wrote_for_its_owner_alone_is_open_as_its_folder_is(tmp_path):
    """safetensors does so: the weights of one person could not be read by the others of a team."""
    before = os.umask(0o027)
    try:
        with publish_folder(tmp_path / "model") as draft:
            save_file({"weights": torch.zeros(1)}, draft / "model.safetensors")
    finally:
        os.umask(before)
    mode = stat.S_IMODE((tmp_path / "model/model.safetensors").stat().st_mode)
    assert mode == stat.S_IMODE((tmp_path / "model").stat().st_mode) & 0o666 == 0o640


@pytest.mark.parametrize("publish", [publish_file, publish_folder])
def test_where_nothing_can_be_written_the_error_names_place_and_remedy(tmp_path, publish):
    (tmp_path / "occupied").write_text("a file where a folder should be")
    target = tmp_path / "occupied" / "artifact"
    with pytest.raises(PipelineError) as caught, publish(target) as draft:
        draft.write_text("never")
    assert caught.value.where == str(target)
    assert "writable" in caught.value.remedy


def test_an_input_that_cannot_be_read_is_not_blamed_on_the_artifact(tmp_path):
    with pytest.raises(FileNotFoundError), publish_file(tmp_path / "artifact"):
        (tmp_path / "input").read_bytes()
    with pytest.raises(IsADirectoryError), publish_folder(tmp_path / "artifact"):
        tmp_path.joinpath("there").mkdir()
        (tmp_path / "there").read_bytes()


def test_what_is_told_already_is_told_once(tmp_path):
    inner = "cannot write the artifact (No space left on device)"
    with pytest.raises(PipelineError) as caught, publish_file(tmp_path / "a"), publish_file(tmp_path / "b"):
        raise PipelineError(inner, where="c", remedy="Free some.")
    assert (caught.value.what, caught.value.where) == (inner, "c")


FULL_DISK = """
import resource, sys
from pathlib import Path
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.lmdb_files import LmdbWriter
from ocr_pipeline.storage.files.publishing import publish_file, publish_folder

target = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for kind in ("file", "folder"):
    try:
        if kind == "file":
            with publish_file(target) as draft:
                draft.write_bytes(bytes(200_000))
        else:
            with publish_folder(target) as draft, LmdbWriter(draft) as writer:
                for number in range(100):
                    writer.put(f"k{number:03d}", bytes(50_000))
    except PipelineError as error:
        left = list(target.parent.iterdir())
        print(kind, error.where, "File too large" in str(error), "free space" in error.remedy, left)
"""


def test_a_disk_that_takes_no_more_bytes_is_named_as_the_cause_and_nothing_is_left_on_it(tmp_path: Path):
    target = tmp_path / "artifact"
    answer = subprocess.run(
        [sys.executable, "-c", FULL_DISK, target], capture_output=True, text=True, check=True, timeout=60
    )
    assert answer.stdout.splitlines() == [f"file {target} True True []", f"folder {target} True True []"]


def test_what_torch_tells_of_a_full_disk_is_put_into_words(tmp_path: Path):
    told = "[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0"
    with pytest.raises(PipelineError, match="took less than was written") as error, publish_file(tmp_path / "weights"):
        raise RuntimeError(told)
    assert "free space" in error.value.remedy and not list(tmp_path.iterdir())


def test_a_link_to_what_is_published_already_leaves_no_draft(tmp_path: Path):
    publish_text(tmp_path / "a", "1")
    with publish_file(tmp_path / "a") as draft:
        link_or_copy(tmp_path / "a", draft)
    assert [path.name for path in tmp_path.iterdir()] == ["a"] and (tmp_path / "a").read_text() == "1"


def moved(target: Path) -> Path:
    """Where an artifact lies by now: its owner moved it to another disk and left a link."""
    place = target.parent.parent / "larger_disk" / target.name
    place.parent.mkdir()
    target.rename(place)
    target.symlink_to(place)
    return place


def test_what_its_owner_moved_and_linked_stays_a_link_and_goes_on_working(tmp_path):
    file, folder = tmp_path / "out" / "labels.json", tmp_path / "out" / "pages.lmdb"
    write_version(file, folder, "first")
    place = moved(file)
    folder.rename(place.parent / folder.name)
    folder.symlink_to(place.parent / folder.name)
    for version in ("second", "third"):
        write_version(file, folder, version)
        assert file.is_symlink() and folder.is_symlink()
        assert place.read_text() == (place.parent / "pages.lmdb" / "data").read_text() == version
    assert sorted(path.name for path in place.parent.iterdir()) == ["labels.json", "pages.lmdb"]
    assert sorted(path.name for path in file.parent.iterdir()) == ["labels.json", "pages.lmdb"]


def write_version(file: Path, folder: Path, version: str) -> None:
    publish_text(place_of(file), version)
    with publish_folder(place_of(folder)) as draft:
        (draft / "data").write_text(version)


def test_a_link_that_leads_nowhere_is_told_and_stays(tmp_path):
    target = tmp_path / "labels.json"
    target.symlink_to(tmp_path / "not_mounted" / "labels.json")
    with pytest.raises(PipelineError, match="no such folder") as caught:
        place_of(target)
    assert "Mount" in caught.value.remedy and target.is_symlink()
    assert not (tmp_path / "not_mounted").exists()


def test_a_link_in_the_place_of_a_small_file_is_replaced_and_its_end_is_left_alone(tmp_path):
    victim, folder = tmp_path / "victim", tmp_path / "folder"
    victim.write_text("mine")
    folder.mkdir()
    (folder / "mine").touch()
    for name, leads_to in (("manifest.json", victim), (".manifest.json.draft", victim), (".pages.lmdb.draft", folder)):
        (tmp_path / name).symlink_to(leads_to)
    publish_text(tmp_path / "manifest.json", "new")
    with publish_folder(tmp_path / "pages.lmdb") as draft:
        (draft / "data").touch()
    assert victim.read_text() == "mine" and (folder / "mine").exists()
    assert not (tmp_path / "manifest.json").is_symlink() and (tmp_path / "manifest.json").read_text() == "new"


def test_a_link_in_the_place_of_a_lock_is_refused(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / ".report.html.lock").symlink_to(victim)
    with pytest.raises(PipelineError, match="a link stands"), file_lock(tmp_path / "report.html"):
        pass
    assert victim.read_text() == "mine"
    (tmp_path / ".report.html.lock").unlink()  # as the remedy says
    with file_lock(tmp_path / "report.html"):
        pass
