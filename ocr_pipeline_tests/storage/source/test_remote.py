"""Remote shares as they are: connections drop, servers go away, and passwords are nobody's business."""

from __future__ import annotations

import logging
from urllib.parse import unquote

import fsspec
import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.source import remote_files
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.storage.source.ftp_server import serving
from ocr_pipeline_tests.storage.source.s3_server import s3_server
from ocr_pipeline_tests.storage.source.sftp_server import serving_sftp
from ocr_pipeline_tests.storage.source.test_archives import archive
from ocr_pipeline_tests.trees import contents, hand_tree, write_tree

FILES = {
    **hand_tree(6, folders=3),
    "자료/TL.zip": archive(),
    "자료/large.bin": bytes(range(256)) * 4000,
    **{f"자료/{number}/a.txt": bytes([number]) for number in range(20)},
}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(remote_files, "PAUSES", (0.0, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01))


def listed(share: Share) -> list[tuple[str, int]]:
    return [(entry.shown, entry.size) for entry in share.walk()]


def read_all(share: Share) -> dict[str, bytes]:
    entries = list(share.walk())
    return dict(
        zip((entry.shown for entry in entries), share.ahead(lambda entry: share.read(entry.path), entries), strict=True)
    )


def test_an_ftp_server_that_drops_connections_at_random_loses_nothing(tmp_path):
    local = Share(write_tree(tmp_path, FILES))
    with serving(tmp_path, drop_chance=0.3) as url:
        share = Share(url)
        share.check()
        assert listed(share) == listed(local)
        assert read_all(share) == read_all(local)
        for _ in range(10):
            with pytest.raises(FileNotFoundError):
                share.read("자료/none.txt")
        assert b"".join(share.read_pieces("자료/large.bin", 100_000)) == FILES["자료/large.bin"]


def test_an_ftp_server_that_always_drops_ends_clearly(tmp_path):
    write_tree(tmp_path, FILES)
    with serving(tmp_path, drop_chance=2) as url:
        for ask in (lambda: list(Share(url).walk()), lambda: Share(url).read("자료/1/a.txt")):
            with pytest.raises(PipelineError, match="does not answer"):
                ask()


def test_an_ftp_server_that_admits_one_connection_is_read_by_threads_in_turns(tmp_path):
    local = Share(write_tree(tmp_path, FILES))
    with serving(tmp_path, quirk="one connection") as url:
        share = Share(url)
        assert listed(share) == listed(local)
        assert read_all(share) == read_all(local)


@pytest.mark.parametrize("quirk", ["short", "cut", "hung up"])
def test_after_a_transfer_that_broke_the_connections_are_as_before(tmp_path, quirk):
    write_tree(tmp_path, {"a.txt": b"1", "b.txt": b"12345678"})
    with serving(tmp_path, quirk=quirk) as url:
        share = Share(url)
        for _ in range(3):
            assert share.read("a.txt") == b"1"
            with pytest.raises(PipelineError, match="does not answer"):
                share.read("b.txt")


def test_no_password_in_messages_and_logs(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    with serving(write_tree(tmp_path, FILES), drop_chance=2) as url, pytest.raises(PipelineError) as caught:
        Share(url).read("자료/1/a.txt")
    assert "asking again" in caplog.text
    for text in (str(caught.value), caplog.text, repr(Share(url).place)):
        assert "secret" not in text
        assert "reader" not in text


def test_a_read_that_ends_early_leaves_the_connection_usable(tmp_path):
    write_tree(tmp_path, {"large.bin": bytes(range(256)) * 40_000})
    with serving(tmp_path) as url:
        share = Share(url)
        whole = (tmp_path / "large.bin").read_bytes()
        for start, size in (
            (0, 10),
            (5_000_000, 100_000),
            (len(whole) - 10, 10),
            (len(whole) - 10, 20),
            (0, len(whole)),
        ):
            assert share._files.read("large.bin", start, size) == whole[start : start + size]
        assert share.read("large.bin") == whole


@pytest.fixture(scope="module")
def s3():
    with pytest.MonkeyPatch.context() as environment, s3_server() as (url, server):
        environment.setenv("AWS_ENDPOINT_URL", url)
        environment.setenv("AWS_ACCESS_KEY_ID", "reader")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-s3")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield server
        fsspec.filesystem("s3").clear_instance_cache()


def test_s3_reads_what_a_local_share_reads_and_ends_clearly(tmp_path, s3, caplog):
    local = Share(write_tree(tmp_path, FILES))
    bucket = fsspec.filesystem("s3")
    bucket.mkdir("labels")
    bucket.put(str(tmp_path) + "/", "labels/ocr/", recursive=True)
    share = Share("s3://labels/ocr")
    share.check()
    assert listed(share) == listed(local)
    assert read_all(share) == read_all(local)
    assert all(entry.version for entry in share.walk() if entry.size)
    with pytest.raises(FileNotFoundError):
        share.read("자료/none.txt")
    with pytest.raises(PipelineError, match="is not there"):
        Share("s3://labels/none").check()
    bucket.pipe("labels/ocr/자료/new.txt", b"1")
    assert len(listed(share)) == len(listed(local)) + 1
    s3.kill()
    s3.wait()
    for ask in (lambda: share.read("자료/1/a.txt"), lambda: listed(share)):
        with pytest.raises(PipelineError, match="does not answer") as caught:
            ask()
        assert "secret" not in str(caught.value)
    assert "secret-of-s3" not in caplog.text


def test_sftp_reads_what_a_local_share_reads(tmp_path):
    local = Share(write_tree(tmp_path, FILES))
    with serving_sftp(tmp_path, drop_chance=0.02) as url:
        share = Share(url)
        share.check()
        assert listed(share) == listed(local)
        assert read_all(share) == read_all(local)
        assert [entry.version for entry in share.walk()] == [int(entry.version) for entry in local.walk()]
        with pytest.raises(FileNotFoundError):
            share.read("자료/none.txt")
        with pytest.raises(PipelineError, match="is not there"):
            Share(f"{url}/none").check()
        assert b"".join(share.read_pieces("자료/large.bin", 100_000)) == FILES["자료/large.bin"]
        assert not any(part in share.place for part in ("reader", "se@", "cret"))


@pytest.mark.parametrize("fault", ["drops", "another password"])
def test_sftp_ends_clearly_and_keeps_its_password(tmp_path, caplog, fault):
    caplog.set_level(logging.DEBUG)
    with serving_sftp(write_tree(tmp_path, FILES), drop_chance=1.0 if fault == "drops" else 0.0) as url:
        asked = url.replace("cret", "cret2") if fault == "another password" else url
        with pytest.raises(PipelineError, match="does not answer") as caught:
            Share(asked).read("자료/1/a.txt")
    assert "cret" not in str(caught.value) + caplog.text


@pytest.mark.parametrize("password", ["se@cret", "@secret@", "se%40cret", "secret"])
def test_whatever_a_password_holds_no_text_shows_it(password):
    url = f"ftp://reader:{password}@127.0.0.1:1/Y:/ocr@home"
    share = Share(url)
    assert share.place == "ftp://127.0.0.1:1/Y:/ocr@home"
    shown = share._files._files._shown(OSError(f"{url} {password} {unquote(password)}"))
    assert "cret" not in shown and "reader" not in shown


@pytest.mark.parametrize("password", ["se/cret", "se?cret", "se#cret"])
def test_a_password_that_ends_nowhere_is_refused_without_showing_it(password):
    with pytest.raises(PipelineError, match="FSSPEC_FTP_PASSWORD") as caught:
        Share(f"ftp://reader:{password}@127.0.0.1:1/ocr")
    assert "cret" not in str(caught.value) and caught.value.__cause__ is None


def test_the_secrets_of_a_configuration_are_hidden(monkeypatch):
    monkeypatch.setitem(fsspec.config.conf, "ftp", {"password": "hunter2", "client_kwargs": {"api_key": "hunter3"}})
    shown = Share("ftp://127.0.0.1:1/ocr")._files._files._shown(OSError("hunter2 and hunter3"))
    assert shown == "*** and ***"


@pytest.mark.parametrize(("url", "hint"), [("abfs://labels/ocr", "adlfs"), ("carrier-pigeon://roof", "not known")])
def test_a_protocol_without_driver_is_named(url, hint):
    with pytest.raises(PipelineError, match=hint) as caught:
        Share(url)
    assert "mount the share" in caught.value.remedy


def test_answers_come_in_order_and_an_error_ends_them(tmp_path):
    share = Share("memory://ahead")
    assert list(share.ahead(lambda number: number * 2, range(50))) == list(range(0, 100, 2))
    answers = share.ahead(lambda number: 1 // (number - 5), range(50))
    assert [next(answers) for _ in range(5)] == [1 // (number - 5) for number in range(5)]
    with pytest.raises(ZeroDivisionError):
        next(answers)


def test_contents_of_a_tree_are_all_there(tmp_path):
    share = Share(write_tree(tmp_path, {name: data for name, data in FILES.items() if not name.endswith(".zip")}))
    assert read_all(share) == contents(tmp_path)
