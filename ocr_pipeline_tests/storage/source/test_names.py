"""Names and folders as shares hold them: what cannot be taken is told by name, and never becomes a path."""

from __future__ import annotations

import os
import struct

import fsspec
import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.source import ftp, names, remote_files
from ocr_pipeline.storage.source.archives import DamagedError
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.storage.source.ftp_server import serving
from ocr_pipeline_tests.storage.source.test_archives import archive
from ocr_pipeline_tests.trees import write_tree


def faults(share: Share) -> dict[str, str]:
    return {entry.shown: entry.fault for entry in share.walk() if entry.fault}


def read_sound(share: Share) -> dict[str, bytes]:
    return {entry.shown: share.read(entry.path) for entry in share.walk() if not entry.fault}


@pytest.mark.parametrize(
    "name", ["..", ".", "", "a/b.json", "/etc/passwd", "a\0b", "a\nb", "a\rb", "\udcff\udcfe.json"]
)
def test_what_is_no_name_of_a_file_is_refused_among_others(name):
    assert list(names.refusals([], ["가.json", name, "나.json"])) == [name]
    assert list(names.refusals(["가", name], [])) == [name]
    assert names.shown(name).isprintable()


def test_ordinary_names_are_taken():
    ordinary = ["가.json", "..a", "a..b", "...", ".hidden", "a\\b", "a b", "-rf", "=1+1"]
    assert names.refusals(ordinary, ordinary) == {}


def test_two_files_whose_names_become_one_are_both_refused_and_folders_walked():
    twins = ["가", "\u1100\u1161"]
    assert list(names.refusals([], [*twins, "나"])) == twins
    assert list(names.refusals([], ["a", "a"])) == ["a"]
    assert names.refusals(twins, ["나"]) == {}


@pytest.mark.parametrize("text", ["표지.jpg", "plain.jpg", "똠방각하.png", "日本.jpg"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_bytes_of_a_name_are_read_and_found_again(text, encoding):
    raw = text.encode(encoding)
    assert names.decoded(raw) == text
    assert raw in names.spellings(text)


# --- Local folders


def test_names_in_cp949_are_read_and_names_in_neither_encoding_told(tmp_path):
    folder = tmp_path / os.fsdecode("폴더".encode("cp949"))
    folder.mkdir()
    for name, data in (("글.json".encode("cp949"), b"1"), (b"\xff\xfe.json", b"2"), ("말.json".encode(), b"3")):
        (folder / os.fsdecode(name)).write_bytes(data)
    share = Share(tmp_path)
    assert read_sound(share) == {"폴더/글.json": b"1", "폴더/말.json": b"3"}
    assert [entry.size for entry in share.walk()] == [0, 1, 1]
    assert list(faults(share)) == [r"폴더/\xff\xfe.json"]


def test_twins_in_nfc_and_nfd_are_both_set_aside(tmp_path):
    write_tree(tmp_path, {"가.json": b"1", "나.json": b"2"})
    write_tree(tmp_path, {"가.json": b"3"}, form="NFD")
    share = Share(tmp_path)
    assert read_sound(share) == {"나.json": b"2"}
    assert [entry.fault.startswith("another file") for entry in share.walk()] == [True, True, False]


@pytest.mark.parametrize("folder", ["", "set/deep/er"])
def test_links_that_lead_to_each_other_cost_nothing_but_themselves(tmp_path, folder):
    root = write_tree(tmp_path / "share", {"set/deep/er/a.json": b"1"})
    (root / folder / "one.json").symlink_to("two.json")
    (root / folder / "two.json").symlink_to("one.json")
    (root / folder / "self").symlink_to("self")
    share = Share(root)
    assert read_sound(share) == {"set/deep/er/a.json": b"1"}
    assert set(faults(share).values()) == {"a link to a link that leads back to it"} and len(faults(share)) == 3


def test_links_are_followed_within_a_set_and_told_where_they_lead_out_or_around(tmp_path):
    share_root, elsewhere = tmp_path / "share", tmp_path / "elsewhere"
    write_tree(elsewhere, {"disk/a/x.json": b"1", "secret.json": b"secret"})
    write_tree(share_root, {"set/deep/er/b.json": b"2"})
    (share_root / "linked").symlink_to(elsewhere / "disk")
    deep = share_root / "set" / "deep" / "er"
    (deep / "around").symlink_to(share_root / "set")
    (deep / "out").symlink_to(elsewhere)
    (deep / "out.json").symlink_to(elsewhere / "secret.json")
    (deep / "within.json").symlink_to(deep / "b.json")
    (deep / "nowhere.json").symlink_to(deep / "gone.json")
    share = Share(share_root)
    assert read_sound(share) == {"linked/a/x.json": b"1", "set/deep/er/b.json": b"2", "set/deep/er/within.json": b"2"}
    assert faults(share) == {
        "set/deep/er/around": "a folder that is passed over: a link that leads back up, in a circle",
        "set/deep/er/out": "a folder that is passed over: a link that leads out of the share",
        "set/deep/er/nowhere.json": "a link that leads nowhere",
        "set/deep/er/out.json": "a link that leads out of the share",
    }


def test_a_pipe_and_a_device_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    (tmp_path / "a.json").write_bytes(b"1")
    share = Share(tmp_path)
    assert set(faults(share).values()) == {"no regular file (a pipe, a socket or a device)"}
    assert read_sound(share) == {"a.json": b"1"}
    with pytest.raises(DamagedError, match="no regular file"):
        share.read("pipe.json")


def test_a_folder_that_may_not_be_read_is_one_entry_and_stops_nobody(tmp_path, monkeypatch):
    write_tree(tmp_path, {"lost+found/x": b"1", "set/a.json": b"1"})
    real = os.open

    def refusing(path, *arguments, **options):  # root may read everything
        if str(path).endswith("lost+found"):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refusing)
    share = Share(tmp_path)
    assert [name for name, _ in share.folders()] == ["lost+found", "set"]
    assert share.folders("lost+found") == []
    assert faults(share) == {"lost+found": "the folder may not be read (permission denied)"}
    assert read_sound(share) == {"set/a.json": b"1"}


def test_a_file_that_gives_less_than_it_tells_is_a_fault_of_the_mount(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_bytes(b"12345678")
    monkeypatch.setattr(os, "pread", lambda file, size, start: b"1234"[start:])
    with pytest.raises(PipelineError, match="4 bytes came of 8"):
        Share(tmp_path).read("a.json")


# --- Archives


def test_an_archive_whose_count_wrapped_is_walked_to_its_end(tmp_path):
    data = bytearray(archive())
    end = data.rfind(b"PK\x05\x06")
    count = struct.unpack_from("<H", data, end + 10)[0]
    struct.pack_into("<HH", data, end + 8, 1, 1)
    write_tree(tmp_path, {"TL.zip": bytes(data)})
    assert faults(Share(tmp_path)) == {"TL.zip": f"the archive holds {count} members where its end says 1"}


def test_members_that_become_one_or_are_listed_twice_are_set_aside(tmp_path):
    twice = {"a.json": b"1", "../a.json": b"2", "./b.json": b"3"}
    share = Share(write_tree(tmp_path, {"TL.zip": archive(twice)}))
    assert faults(share) == {"TL/a.json": "the archive holds another member of the same name"}
    assert read_sound(share) == {"TL/b.json": b"3"}


def test_a_member_is_not_unpacked_beyond_the_size_it_claims(tmp_path):
    data = bytearray(archive({"a.json": bytes(10_000_000)}))
    for signature, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(signature) + place, 10)
    share = Share(write_tree(tmp_path, {"TL.zip": bytes(data)}))
    with pytest.raises(DamagedError, match="unpacks to more than the 10 bytes"):
        share.read("TL.zip/a.json")


def test_members_below_very_many_folders(tmp_path):
    share = Share(write_tree(tmp_path, {"TL.zip": archive({"a/" * 5000 + "x.json": b"1"})}))
    assert list(read_sound(share).values()) == [b"1"]


@pytest.mark.parametrize(
    "name",
    [
        "TL.7z",
        "TL.tar.gz",
        "TL.egg",
        "TL.z01",
        "TL.zip.part1.crdownload",
        "내려받기.tar",
        "TL.zipx",
        "a.json.gz",
        "TL.TXZ",
    ],
)
def test_archives_of_other_kinds_are_told(tmp_path, name):
    share = Share(write_tree(tmp_path, {name: b"x", "a.json": b"1"}))
    listed = [
        entry for listing in share.listings(keep=lambda name: name.endswith(".json")) for entry in listing.entries()
    ]
    assert {entry.name: entry.fault for entry in listed if entry.fault} == {
        name: "an archive that is not read in place: unpack it"
    }


def test_pieces_numbered_as_other_programs_do(tmp_path):
    data = archive()
    share = Share(write_tree(tmp_path, {"TL.zip.001": data[:100], "TL.zip.002": data[100:]}))
    assert len(read_sound(share)) == 4


@pytest.mark.parametrize("unpacked", [{}, {"라벨/가.json": b"{}"}])
def test_a_folder_that_holds_less_does_not_hide_the_archive(tmp_path, unpacked):
    (tmp_path / "TL").mkdir()
    share = Share(
        write_tree(tmp_path, {"TL.zip": archive(), **{f"TL/{name}": data for name, data in unpacked.items()}})
    )
    assert len(read_sound(share)) == 4
    assert share.folders() == [("TL", "TL.zip")]


def test_a_folder_unpacked_with_the_archives_own_folder_is_whole(tmp_path):
    inside = {"TL/a.json": b"1", "TL/b/c.json": b"2"}
    share = Share(write_tree(tmp_path, {"TL.zip": archive(inside), "TL/a.json": b"1", "TL/b/c.json": b"2"}))
    assert share.folders() == [("TL", "TL")]


# --- Servers


@pytest.fixture
def no_pauses(monkeypatch):
    monkeypatch.setattr(remote_files, "PAUSES", (0.0, 0.0))


@pytest.mark.parametrize("quirk", ["lines", "windows", "upper", "no size", "cp949", ""])
def test_ftp_servers_as_they_are(tmp_path, quirk, no_pauses):
    write_tree(tmp_path, {"자료/가 나.json": b"12", "자료/깊이/x.png": b"3", "b.json": b"4567"})
    with serving(tmp_path, quirk=quirk) as url:
        share = Share(url)
        share.check()
        assert read_sound(share) == {"자료/가 나.json": b"12", "자료/깊이/x.png": b"3", "b.json": b"4567"}
        assert sorted(entry.size for entry in share.walk()) == [1, 2, 4]


def test_names_from_an_ftp_server_never_become_paths(tmp_path, no_pauses):
    write_tree(tmp_path, {"sound.json": b"12"})
    with serving(tmp_path, quirk="hostile") as url:
        share = Share(url)
        assert read_sound(share) == {"sound.json": b"12"}
        assert sorted(faults(share)) == [".", "..", "../../planted.json", "a/b.json", r"zero\x00.json"]


@pytest.mark.parametrize("quirk", ["short", "short, no SIZE", "cut", "hung up"])
@pytest.mark.parametrize(("start", "size"), [(0, None), (2, None), (2, 5)])
def test_a_transfer_that_is_cut_short_ends_the_step(tmp_path, no_pauses, quirk, start, size):
    write_tree(tmp_path, {"a.json": b"12345678"})
    with serving(tmp_path, quirk=quirk) as url, pytest.raises(PipelineError, match="share does not answer"):
        Share(url)._files.read("a.json", start, size)


def test_a_listing_that_ends_within_a_line_ends_the_step(tmp_path, no_pauses):
    write_tree(tmp_path, {"a.json": b"1", "b.json": b"2"})
    with serving(tmp_path, quirk="listings cut") as url, pytest.raises(PipelineError, match="ends within a line"):
        list(Share(url).walk())


def test_a_transfer_that_is_cut_short_once_is_asked_again(tmp_path, no_pauses):
    write_tree(tmp_path, {"a.json": b"12345678"})
    with serving(tmp_path, quirk="short once") as url:
        assert Share(url).read("a.json") == b"12345678"


def test_a_transfer_that_only_drips_is_given_up(tmp_path, no_pauses, monkeypatch):
    write_tree(tmp_path, {"a.json": b"12345678"})
    monkeypatch.setattr(ftp, "_SETTLED", -1.0)
    monkeypatch.setattr(ftp, "_LEAST_SPEED", 1 << 60)
    with serving(tmp_path) as url, pytest.raises(PipelineError, match="bytes came in 0 s"):
        Share(url).read("a.json")


def test_keys_of_an_object_store_never_become_paths():
    store = fsspec.filesystem("memory")
    for key in ("/keys/set/../../../planted.json", "/keys/set/a.json"):
        store.store[key] = fsspec.implementations.memory.MemoryFile(store, key, b"1")
    try:
        assert read_sound(Share("memory://keys")) == {"set/a.json": b"1"}
    finally:
        store.store.clear()
