"""Zip archives as AI-Hub delivers them, read in place."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import fsspec
import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.source import archive_files, archives
from ocr_pipeline.storage.source.archives import Archive, DamagedError, Volume, member_path
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.storage.source.ftp_server import serving
from ocr_pipeline_tests.trees import write_tree

MEMBERS = {
    "라벨/가.json": b"{}",
    "라벨/깊이/나.json": b"[1]" * 500,
    "다.png": random.Random(0).randbytes(5000),
    "빈.txt": b"",
}


def archive(
    members: Mapping[str, bytes] = MEMBERS, encoding: str = "utf-8", method: int = zipfile.ZIP_DEFLATED, lead: str = ""
) -> bytes:
    """A zip archive; other encodings than UTF-8 are written without saying so, as Korean programs do."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, data in members.items():
            info = zipfile.ZipInfo(lead + (name if encoding == "utf-8" else name.encode(encoding).decode("latin-1")))
            file.writestr(info, data, method)
    data = buffer.getvalue()
    return data if encoding == "utf-8" else _as_raw_names(data, members, encoding, lead)


def _as_raw_names(data: bytes, members: Mapping[str, bytes], encoding: str, lead: str) -> bytes:
    """zipfile writes Latin-1 letters as UTF-8 with its flag: write the bytes meant instead, without the flag."""
    source = zipfile.ZipFile(io.BytesIO(data))
    local, central, infos = b"", b"", source.infolist()
    for info, name in zip(infos, members, strict=True):
        raw = (lead + name).encode(encoding)
        start = info.header_offset + 30 + sum(struct.unpack_from("<HH", data, info.header_offset + 26))
        packed = data[start : start + info.compress_size]
        head = struct.pack("<HHHHH", 20, 0, info.compress_type, 0, 33)
        sizes = struct.pack("<III", info.CRC, info.compress_size, info.file_size)
        central += (
            b"PK\x01\x02\x14\x00" + head + sizes + struct.pack("<HHHHHII", len(raw), 0, 0, 0, 0, 0, len(local)) + raw
        )
        local += b"PK\x03\x04" + head + sizes + struct.pack("<HH", len(raw), 0) + raw + packed
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, len(infos), len(infos), len(central), len(local), 0)
    return local + central + end


def read_all(share: Share) -> dict[str, bytes]:
    return {entry.shown: share.read(entry.path) for entry in share.walk()}


UNPACKED = {f"자료/TL/{name}": data for name, data in MEMBERS.items()}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("lead", ["", "/", "./"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_an_archive_is_walked_as_the_folder_of_its_name(tmp_path, encoding, lead, method):
    share = Share(write_tree(tmp_path, {"자료/TL.zip": archive(MEMBERS, encoding, method, lead)}))
    assert read_all(share) == UNPACKED
    assert share.folders("자료") == [("TL", "자료/TL.zip")]
    assert share.folders("자료/TL.zip") == [("라벨", "자료/TL.zip/라벨")]
    entries = {entry.name: entry for entry in share.walk("자료/TL.zip/라벨")}
    assert entries["나.json"].path == "자료/TL.zip/라벨/깊이/나.json"
    assert entries["나.json"].folder == ("자료", "TL", "라벨", "깊이")
    full = share.full_path(entries["가.json"].path)
    assert full == f"{tmp_path}/자료/TL.zip/라벨/가.json"
    assert Share(tmp_path).read(share.below_root(full)) == b"{}"
    assert share.read_tail(entries["나.json"], 4) == b"][1]"
    assert b"".join(share.read_pieces("자료/TL.zip/다.png", 999)) == MEMBERS["다.png"]


def test_a_walk_of_an_archive_is_that_of_the_unpacked_folder(tmp_path):
    packed = Share(write_tree(tmp_path / "packed", {"자료/TL.zip": archive(), "자료/a.json": b""}))
    unpacked = Share(write_tree(tmp_path / "unpacked", {**UNPACKED, "자료/a.json": b""}))
    assert [(entry.shown, entry.size) for entry in packed.walk()] == [
        (entry.shown, entry.size) for entry in unpacked.walk()
    ]


def test_names_in_archives_by_what_their_bytes_can_be():
    assert member_path("가/나.json".encode("cp949"), False) == "가/나.json"
    assert member_path("가/나.json".encode(), False) == "가/나.json"
    assert member_path("짜.json".encode("cp949"), False) == "짜.json"  # C2 A5: a yen sign in UTF-8
    assert member_path("é.json".encode(), True) == "é.json"
    assert member_path(b"a\\b/../../c.json", False) == "a/b/c.json"
    assert member_path(b"//a//b/", False) == "a/b/"
    assert member_path(b"\x81.json", False) == "ü.json"


@pytest.mark.parametrize("numbers", ["index", "from one", "offset"])
def test_pieces_of_an_archive_are_read_as_one_whatever_their_numbers(tmp_path, numbers):
    data = archive({f"{number}.txt": bytes([number]) * 50 for number in range(40)}, method=zipfile.ZIP_STORED)
    starts = range(0, len(data), len(data) // 11)
    names = {"index": enumerate(starts), "from one": enumerate(starts, 1), "offset": zip(starts, starts, strict=True)}
    for number, start in names[numbers]:
        write_tree(tmp_path, {f"TS.zip.part{number}": data[start : start + starts.step]})
    assert len(starts) > 10  # as text, 10 would stand before 2
    assert read_all(Share(tmp_path)) == {f"TS/{number}.txt": bytes([number]) * 50 for number in range(40)}


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_missing_piece_is_reported(tmp_path, lost):
    data = archive()
    pieces = {f"TS.zip.part{number}": data[start : start + 2000] for number, start in enumerate(range(0, 6000, 2000))}
    del pieces[f"TS.zip.part{lost}"]
    (entry,) = Share(write_tree(tmp_path, pieces)).walk()
    assert entry.shown == "TS.zip"
    assert "missing" in entry.fault


def test_a_folder_beside_the_archive_is_taken_for_it(tmp_path):
    share = Share(write_tree(tmp_path, {"TL.zip": archive({"a.txt": b"packed"}), "tl/a.txt": b"unpacked"}))
    assert read_all(share) == {"tl/a.txt": b"unpacked"}


def test_a_folder_may_be_called_zip(tmp_path):
    share = Share(write_tree(tmp_path, {"자료.zip/a.txt": b"1", "자료.zip/TL.zip": archive({"b.txt": b"2"})}))
    assert read_all(share) == {"자료.zip/a.txt": b"1", "자료.zip/TL/b.txt": b"2"}


def test_droppings_and_archives_within_archives(tmp_path):
    share = Share(
        write_tree(tmp_path, {"TL.zip": archive({"._a": b"", "__MACOSX/a": b"", "b": b"", "c.zip": archive()})})
    )
    assert [(entry.shown, bool(entry.fault)) for entry in share.walk()] == [("TL/b", False), ("TL/c.zip", True)]


def test_a_damaged_archive_is_one_entry_that_says_so(tmp_path):
    good = archive()
    files = {"a.zip": good[:-30], "b.zip": b"", "c.zip": good, "d.zip": b"PK\x05\x06" + b"\xff" * 18}
    share = Share(write_tree(tmp_path, files))
    assert [entry.shown for entry in share.walk() if entry.fault] == ["a.zip", "b.zip", "d.zip"]
    with pytest.raises(DamagedError, match="zip"):
        share.read("a.zip/라벨/가.json")


def test_a_changed_byte_in_a_member_is_noticed(tmp_path):
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        data = bytearray(archive({"a.json": b"0123456789" * 100}, method=method))
        data[45] ^= 0x55
        share = Share(write_tree(tmp_path, {"TL.zip": bytes(data)}))
        with pytest.raises(DamagedError, match=r"a\.json"):
            share.read("TL.zip/a.json")


def test_no_changed_byte_is_more_than_a_damaged_archive(tmp_path):
    good, members = archive({"a.json": b"{}", "b/c.json": b"[]" * 9}), {b"{}", b"[]" * 9}
    for place in range(len(good)):
        write_tree(tmp_path, {"TL.zip": good[:place] + bytes([good[place] ^ 0x41]) + good[place + 1 :]})
        share = Share(tmp_path)
        for entry in share.walk():
            if not entry.fault:
                try:
                    assert share.read(entry.path) in members
                except DamagedError:
                    continue


def test_an_encrypted_member_is_one_entry_that_says_so(tmp_path):
    data = bytearray(archive({"a.json": b"{}"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (entry,) = Share(write_tree(tmp_path, {"TL.zip": bytes(data)})).walk()
    assert "encrypted" in entry.fault


def test_zip64_and_leading_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    share = Share(write_tree(tmp_path, {"자료/TL.zip": archive(), "자료2/TL.zip": b"MZ self-extracting" + archive()}))
    assert {name: data for name, data in read_all(share).items() if name.startswith("자료/")} == UNPACKED
    assert len(read_all(share)) == 2 * len(UNPACKED)


def test_a_new_delivery_under_the_same_name_is_read_anew(tmp_path):
    share = Share(write_tree(tmp_path, {"TL.zip": archive({"a.txt": b"old"})}))
    (old,) = share.walk()
    assert share.read(old.path) == b"old"
    write_tree(tmp_path, {"TL.zip": archive({"a.txt": b"new", "b.txt": b""})})
    new, _ = share.walk()
    assert share.read(new.path) == b"new"
    assert new.version != old.version


def test_the_version_of_a_member_is_its_content(tmp_path):
    (one,) = Share(write_tree(tmp_path / "1", {"TL.zip": archive({"a.txt": b"1"})})).walk()
    (again,) = Share(write_tree(tmp_path / "2", {"TL.zip": archive({"a.txt": b"1"})})).walk()
    assert one == again


def test_many_threads_many_archives_and_few_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(archive_files, "_MEMBERS_KEPT", 10)
    files = {
        f"{name}.zip": archive({f"{number}.txt": f"{name}{number}".encode() for number in range(6)}) for name in "abcd"
    }
    share = Share(write_tree(tmp_path, files))
    paths = [f"{name}.zip/{number}.txt" for number in range(6) for name in "abcd"] * 5
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(share.read, paths)) == [f"{path[0]}{path[6]}".encode() for path in paths]
    assert sum(len(opened) for _, opened in share._files._opened.values()) <= 12


def test_a_member_costs_one_request_and_the_directory_two(tmp_path, monkeypatch):
    asked = []
    real = archives.Volume.read
    monkeypatch.setattr(archives.Volume, "read", lambda self, *args: asked.append(args) or real(self, *args))
    share = Share(write_tree(tmp_path, {"TL.zip": archive()}))
    entries = list(share.walk())
    assert len(asked) == 2
    for entry in entries:
        share.read(entry.path)
    assert len(asked) == 2 + len(entries)


@pytest.mark.parametrize("place", ["ftp", "memory"])
def test_archives_on_a_remote_share(tmp_path, place):
    data = archive()
    write_tree(tmp_path, {"자료/TL.zip": data, "자료/TS.zip.part0": data[:3000], "자료/TS.zip.part3000": data[3000:]})
    expected = {**UNPACKED, **{name.replace("TL", "TS"): content for name, content in UNPACKED.items()}}
    if place == "memory":
        fsspec.filesystem("memory").put(str(tmp_path), "/archives-in-memory", recursive=True)
        assert read_all(Share("memory://archives-in-memory")) == expected
        return
    with serving(tmp_path) as url:
        share = Share(url)
        assert read_all(share) == expected
        entries = list(share.walk())
        assert list(share.ahead(lambda entry: share.read(entry.path), entries)) == [expected[e.shown] for e in entries]


def test_a_missing_member_and_a_missing_archive(tmp_path):
    share = Share(write_tree(tmp_path, {"TL.zip": archive()}))
    for path in ("TL.zip/none.json", "none.zip/a.json", "none/TL.zip/a.json"):
        with pytest.raises(FileNotFoundError):
            share.read(path)


def test_an_archive_that_is_shorter_than_it_was_listed_ends_the_step():
    data = archive()
    volume = Volume(lambda path, start, size: data[start : start + size], [("TL.zip", len(data) + 10)])
    with pytest.raises(PipelineError, match=rf"shorter than the {len(data) + 10} bytes.*TL\.zip"):
        Archive(volume)


@pytest.mark.parametrize("behind", [b"", b"\0" * 300])
def test_what_follows_an_archive_or_is_its_comment_is_no_end(behind):
    comment = b"PK\5\6" + b"c" * 400
    commented = archive()[:-2] + struct.pack("<H", len(comment)) + comment
    assert [_names(data) for data in (commented, archive() + behind)] == [_names(archive())] * 2


def _names(data: bytes) -> list[str]:
    return (
        Archive(Volume(lambda path, start, size: data[start : start + size], [("TL.zip", len(data))]))
        .contents("")
        .files
    )
