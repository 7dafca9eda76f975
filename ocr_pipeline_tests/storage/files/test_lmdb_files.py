from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import lmdb
import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.lmdb_files import LmdbReader, LmdbWriter
from ocr_pipeline.storage.files.publishing import publish_folder


def write(folder: Path, value: bytes, count: int = 3) -> None:
    with publish_folder(folder) as draft, LmdbWriter(draft) as writer:
        for number in range(count):
            writer.put(f"key-{number:06d}", value)


def open_files(name: str) -> int:
    links = (os.path.realpath(link) for link in Path("/proc/self/fd").iterdir())
    return sum(name in link for link in links)


WRITE = """
import random, sys
from pathlib import Path
from ocr_pipeline.storage.files.lmdb_files import LmdbWriter

values = random.Random(0)
with LmdbWriter(Path(sys.argv[1])) as writer:
    for number in range(3000):
        writer.put(f"image-{number:09d}", values.randbytes(values.choice([0, 7, 300, 5000])))
        writer.put(f"label-{number:09d}", b"x" * (number % 40))
"""


def test_the_same_puts_give_the_same_bytes_whatever_lies_in_memory(tmp_path):
    for name, filling in (("a", "0"), ("b", "165")):
        environment = {**os.environ, "MALLOC_PERTURB_": filling}
        subprocess.run([sys.executable, "-c", WRITE, tmp_path / name], env=environment, check=True, timeout=60)
    assert (tmp_path / "a" / "data.mdb").read_bytes() == (tmp_path / "b" / "data.mdb").read_bytes()


def test_how_puts_come_together_makes_no_difference(tmp_path):
    records = [(b"key-%06d" % number, bytes(number % 5000)) for number in range(40_000)]
    for name, together in (("alone", 1), ("some", 7), ("many", 2500)):
        with LmdbWriter(tmp_path / name) as writer:
            for start in range(0, len(records), together):
                writer.put_all(records[start : start + together])
    alone, *others = ((tmp_path / name / "data.mdb").read_bytes() for name in ("alone", "some", "many"))
    assert all(other == alone for other in others)


def test_the_map_grows_beyond_its_first_size(tmp_path):
    value = bytes(range(256)) * 4096
    with LmdbWriter(tmp_path) as writer:
        for number in range(150):
            writer.put(f"key-{number:06d}", value)
    assert (tmp_path / "data.mdb").stat().st_size > 150 << 20
    reader = LmdbReader(tmp_path)
    assert all(reader.get(f"key-{number:06d}") == value for number in (0, 63, 64, 149))


def test_what_is_written_reads_back_and_what_is_not_is_none(tmp_path):
    write(tmp_path / "x", b"one", count=2500)
    reader = LmdbReader(tmp_path / "x")
    assert reader.get_many(["key-000000", "none", "key-002499"]) == [b"one", None, b"one"]
    assert reader.get("none") is None


def test_a_writer_that_fails_publishes_nothing(tmp_path):
    with pytest.raises(RuntimeError), publish_folder(tmp_path / "x") as draft, LmdbWriter(draft) as writer:
        writer.put("key", b"value")
        raise RuntimeError
    assert not (tmp_path / "x").exists()


def test_one_path_may_be_read_by_many_readers(tmp_path):
    write(tmp_path / "x", b"one")
    (tmp_path / "same").symlink_to(tmp_path / "x")
    readers = [LmdbReader(tmp_path / "x"), LmdbReader(tmp_path / "same"), LmdbReader(tmp_path / "x")]
    assert [reader.get("key-000000") for reader in readers] == [b"one"] * 3


def test_the_file_is_closed_with_its_last_reader(tmp_path):
    write(tmp_path / "x", b"one")
    readers = [LmdbReader(tmp_path / "x") for _ in range(2)]
    for reader in readers:
        reader.get("key-000000")
    assert open_files(str(tmp_path)) > 0
    readers.clear()
    del reader
    assert open_files(str(tmp_path)) == 0


def test_a_reader_sees_what_is_published_after_it_was_opened(tmp_path):
    write(tmp_path / "x", b"old")
    first, second = LmdbReader(tmp_path / "x"), LmdbReader(tmp_path / "x")
    assert first.get("key-000000") == second.get("key-000000") == b"old"
    write(tmp_path / "x", b"new")
    assert first.get("key-000000") == b"new"
    assert LmdbReader(tmp_path / "x").get("key-000000") == b"new"
    assert second.get("key-000000") == b"new"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_reader_in_use_works_in_worker_processes(tmp_path, method):
    write(tmp_path / "x", b"one")
    reader = LmdbReader(tmp_path / "x")
    assert reader.get("key-000000") == b"one"
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as workers:
        assert list(workers.map(reader.get, ["key-000000", "key-000002", "none"])) == [b"one", b"one", None]
    assert reader.get("key-000001") == b"one"


def read_in_child(reader: LmdbReader, answers) -> None:
    """Both the inherited reader and new ones, of a path that the parent has open."""
    answers.put([reader.get("key-000000"), LmdbReader(reader.folder).get("key-000000"), reader.get("key-000001")])


def test_a_forked_child_inherits_readers_of_its_parent(tmp_path):
    write(tmp_path / "x", b"one")
    reader = LmdbReader(tmp_path / "x")
    reader.get("key-000000")
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=read_in_child, args=(reader, answers))
    child.start()
    assert answers.get(timeout=30) == [b"one"] * 3
    child.join()
    assert reader.get("key-000000") == b"one"


def test_many_threads_read_at_once_while_the_folder_is_replaced(tmp_path):
    write(tmp_path / "x", b"old", count=50)
    reader, replaced = LmdbReader(tmp_path / "x"), threading.Event()

    def read() -> set[bytes | None]:
        seen = set()
        while not replaced.is_set():
            seen.add(reader.get("key-000040"))
        return {*seen, reader.get("key-000040")}

    with LmdbWriter(tmp_path / "new") as writer:
        writer.put("key-000040", b"new")
    with ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(read) for _ in range(4)]
        (tmp_path / "new" / "data.mdb").replace(tmp_path / "x" / "data.mdb")
        replaced.set()
    assert all(b"new" in answer.result() <= {b"old", b"new"} for answer in answers)


def test_a_pickled_reader_takes_no_open_file_along(tmp_path):
    write(tmp_path / "x", b"one")
    reader = LmdbReader(tmp_path / "x")
    reader.get("key-000000")
    assert pickle.loads(pickle.dumps(reader)).get("key-000000") == b"one"  # noqa: S301


def test_where_there_is_no_lmdb_the_error_says_so(tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "none", tmp_path / "file"):
        with pytest.raises(PipelineError, match="no LMDB here"):
            LmdbReader(place)


def test_a_damaged_lmdb_is_a_mendable_error(tmp_path):
    (tmp_path / "data.mdb").write_bytes(bytes(100))
    with pytest.raises(PipelineError, match="cannot be opened"):
        LmdbReader(tmp_path).get("key")


def test_other_programs_read_it_as_they_do_by_default(tmp_path):
    write(tmp_path / "x", b"one")
    with lmdb.open(str(tmp_path / "x"), max_readers=32, readonly=True, lock=False, readahead=False) as environment:
        assert environment.stat()["entries"] == 3


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_told_before_it_is_read(tmp_path, share):
    write(tmp_path / "lmdb", os.urandom(3000), count=400)
    data = tmp_path / "lmdb" / "data.mdb"
    os.truncate(data, int(data.stat().st_size * share))
    with pytest.raises(PipelineError, match="truncated"):
        LmdbReader(tmp_path / "lmdb").get("key-000399")
