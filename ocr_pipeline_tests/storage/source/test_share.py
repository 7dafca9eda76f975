from __future__ import annotations

import copy
import os
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import fsspec
import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import nfc
from ocr_pipeline.storage.source import remote_files
from ocr_pipeline.storage.source.share import Share, is_dropping
from ocr_pipeline_tests.storage.source.ftp_server import serving
from ocr_pipeline_tests.trees import contents, hand_tree, write_tree

FILES = {
    "나/b.json": b"{}",
    "나/a.json": b"12345",
    "가/다.png": b"1",
    "z.txt": b"",
    "가.txt": b"",
    "ㄱ.txt": b"",
}  # NFD sorts ㄱ last


def listed(share: Share, start: str = "") -> list[tuple[str, int]]:
    return [(entry.shown, entry.size) for entry in share.walk(start)]


LISTED = [("z.txt", 0), ("ㄱ.txt", 0), ("가.txt", 0), ("가/다.png", 1), ("나/a.json", 5), ("나/b.json", 2)]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_are_nfc_and_sorted_whatever_the_disk_says(tmp_path, form):
    share = Share(write_tree(tmp_path, FILES, form))
    assert listed(share) == LISTED
    assert [share.read(entry.path) for entry in share.walk()] == [b"", b"", b"", b"1", b"12345", b"{}"]


def test_the_guides_path_with_colon_and_backslash_is_local(tmp_path):
    root = write_tree(tmp_path / "gvfs" / "ftp:host=192.0.2.1,user=ocr" / "Y:\\ocr_dataset", FILES)
    share = Share(str(root))
    assert share.is_local
    share.check()
    assert listed(share) == LISTED
    full = share.full_path("가/다.png")
    assert full == f"{root}/가/다.png"
    assert share.read(share.below_root(full)) == b"1"


def test_a_start_below_the_root_keeps_paths_from_the_root(tmp_path):
    share = Share(write_tree(tmp_path, FILES, "NFD"))
    ((name, path), _) = share.folders()
    assert name == "가" != path
    assert [entry.shown for entry in share.walk(path)] == ["가/다.png"]


def test_unwanted_folders_are_not_even_listed(tmp_path):
    share = Share(write_tree(tmp_path, {"a/b/c.txt": b"", "d/e.txt": b""}))
    asked = []
    assert [entry.shown for entry in share.walk("", lambda folder: asked.append(folder) or folder[0] != "a")] == [
        "d/e.txt"
    ]
    assert asked == [("a",), ("d",)]


def test_droppings_are_passed_over(tmp_path):
    droppings = ["._a.png", ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX/a.png"]
    share = Share(write_tree(tmp_path, {"a.png": b"1", **dict.fromkeys(droppings, b"2")}))
    assert listed(share) == [("a.png", 1)]
    assert not is_dropping("_a.png")


def test_files_are_asked_for_sizes_and_times_where_these_are_needed_and_not_before(tmp_path):
    root = write_tree(tmp_path / "share", {"a/가.png": b"12", "a/b.png": b"1", "gone/c.png": b"1"})
    listed, gone = Share(root).listings()
    (root / "a/b.png").unlink()
    (root / "gone").rename(tmp_path / "elsewhere")
    assert (listed.real_names(), gone.real_names()) == (["b.png", "가.png"], ["c.png"])
    assert (list(listed.sizes), listed.versions[0]) == ([0, 2], 0.0)
    with pytest.raises(PipelineError, match=r"vanished.*share/gone.*again"):
        _ = gone.fingerprint
    (root / "a/가.png").unlink()
    assert [entry.size for entry in copy.copy(listed).entries()] == [0, 2]  # as it goes to another process


def test_the_tail_of_a_file(tmp_path):
    (entry,) = Share(write_tree(tmp_path, {"a": b"0123456789"})).walk()
    share = Share(tmp_path)
    assert share.read_tail(entry, 3) == b"789"
    assert share.read_tail(entry, 30) == b"0123456789"


def test_a_missing_share_names_the_setting(tmp_path):
    with pytest.raises(PipelineError, match="OCR_PIPELINE_SOURCE"):
        Share(tmp_path / "none").check()
    with pytest.raises(PipelineError, match="no source is set"):
        Share.from_environment({})


def test_a_missing_file_is_told_from_a_share_that_went_away(tmp_path):
    share = Share(write_tree(tmp_path / "mounted", FILES))
    with pytest.raises(FileNotFoundError):
        share.read("가/none.png")
    (tmp_path / "mounted").rename(tmp_path / "unmounted")
    with pytest.raises(PipelineError, match="does not answer"):
        share.read("가/다.png")
    with pytest.raises(PipelineError, match="does not answer"):
        list(share.walk())


def test_a_file_that_cannot_be_read_is_no_missing_file(tmp_path):
    share = Share(write_tree(tmp_path, FILES))
    with pytest.raises(PipelineError, match="does not answer"):
        share.read("가")


def test_a_share_in_memory():
    fs = fsspec.filesystem("memory")
    for path, data in FILES.items():
        fs.pipe(f"/share-in-memory/ocr/{path}", data)
    share = Share("memory://share-in-memory/ocr")
    share.check()
    assert not share.is_local
    assert listed(share) == LISTED
    entries = {entry.shown: entry for entry in share.walk()}
    assert share.read(entries["나/a.json"].path) == b"12345"
    assert share.read_tail(entries["나/a.json"], 2) == b"45"
    assert share.below_root(share.full_path("나/a.json")) == "나/a.json"
    with pytest.raises(FileNotFoundError):
        share.read("나/none.json")
    with pytest.raises(PipelineError, match="OCR_PIPELINE_SOURCE"):
        Share("memory://nowhere").check()
    fs.pipe("/share-in-memory/ocr/나/c.json", b"1")
    assert len(listed(share)) == 7


def test_ftp_reads_the_same_files_from_many_threads(tmp_path):
    files = {f"글/{number:03d}.bin": bytes([number]) * 5000 for number in range(60)}
    write_tree(tmp_path, {**files, **hand_tree(2)})
    local = Share(tmp_path)
    with serving(tmp_path) as url:
        share = Share(url)
        share.check()
        assert listed(share) == listed(local)
        entries = list(share.walk())
        with ThreadPoolExecutor(6) as threads:
            read = list(threads.map(lambda entry: share.read(entry.path), entries))
        assert dict(zip((entry.shown for entry in entries), read, strict=True)) == contents(tmp_path)
        assert share.read_tail(entries[0], 4) == local.read_tail(entries[0], 4)
        with pytest.raises(FileNotFoundError):
            share.read("글/none.bin")


def test_ftp_listings_are_fresh_and_tell_a_change_of_the_same_size(tmp_path):
    write_tree(tmp_path, {"글/a.json": b"old"})
    os.utime(tmp_path / "글/a.json", (1_700_000_000, 1_700_000_000))
    with serving(tmp_path) as url:
        share = Share(url)
        (before,) = share.walk()
        assert before.version == 1_700_000_000
        write_tree(tmp_path, {"글/a.json": b"new", "글/b.json": b""})
        after, _ = share.walk()
        assert after.version > before.version


def test_an_ftp_connection_that_the_server_dropped_is_opened_anew(tmp_path):
    write_tree(tmp_path, FILES)
    with serving(tmp_path, drop_after=1) as url:
        reading, listing, checking = Share(url), Share(url), Share(url)
        for share in (reading, listing, checking):
            share.check()
        time.sleep(1.5)
        assert reading.read("가/다.png") == b"1"
        assert listed(listing) == LISTED
        checking.check()


def test_an_ftp_folder_that_may_not_be_listed_is_not_taken_for_empty(tmp_path):
    write_tree(tmp_path, FILES)
    with serving(tmp_path) as url:
        share = Share(f"{url}/가")
        share.check()
        (tmp_path / "가").rename(tmp_path / "moved")
        with pytest.raises((PipelineError, FileNotFoundError)):
            list(share.walk())
        with pytest.raises(PipelineError, match="is not there"):
            share.check()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (r"Y:\\ocr_dataset", r"Y:\ocr_dataset"),
        ("Y:ocr_dataset", r"Y:\ocr_dataset"),
        ("Y:/ocr_dataset", r"Y:\ocr_dataset"),
        (r"Y:\ocr_datset/공공행정문서 OCR", r"Y:\ocr_dataset/공공행정문서 OCR"),
        (r"Y:\ocr_dataset/공공행정문서OCR", r"Y:\ocr_dataset/공공행정문서 OCR"),
    ],
)
def test_the_folder_that_was_meant_is_named(tmp_path, typed, meant, form):
    """Of the guide's gvfs path a shell takes backslashes away, or leaves both."""
    (tmp_path / r"Y:\ocr_dataset" / unicodedata.normalize(form, "공공행정문서 OCR")).mkdir(parents=True)
    with pytest.raises(PipelineError) as told:
        Share(tmp_path / typed).check()
    assert nfc(told.value.remedy).endswith(f" Did you mean '{tmp_path / meant}'?")


def test_where_nothing_is_alike_nothing_is_guessed(tmp_path):
    (tmp_path / "pictures").mkdir()
    with pytest.raises(PipelineError) as told:
        Share(tmp_path / "ocr_dataset").check()
    assert "Did you mean" not in told.value.remedy


def test_a_share_that_does_not_answer_is_a_mendable_error_without_the_password(tmp_path, monkeypatch):
    monkeypatch.setattr(remote_files, "PAUSES", (0.0,))
    with serving(tmp_path) as url:
        share = Share(url)
    for ask in (share.check, lambda: share.read("a"), lambda: list(share.walk())):
        with pytest.raises(PipelineError) as caught:
            ask()
        assert "secret" not in str(caught.value)
    assert share.full_path("a").startswith("ftp://127.0.0.1:")


def test_a_wrong_password_is_a_mendable_error(tmp_path):
    with serving(tmp_path) as url, pytest.raises(PipelineError, match="does not answer"):
        Share(url.replace("secret", "wrong")).read("a")
