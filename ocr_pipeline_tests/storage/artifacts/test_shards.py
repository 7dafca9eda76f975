from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ocr_pipeline.page import Quarantined
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.shards import (
    Shard,
    build_shard,
    built,
    forget_others,
    shard_counts,
    shard_quarantine,
)

filled: list[str] = []


def fill(job: str, draft: Path) -> tuple[Counts, list[Quarantined]]:
    if job.startswith("bad"):
        raise ValueError(job)
    filled.append(job)
    (draft / "content").write_text(job)
    record = Quarantined("word", "word_outside", job, "train")
    counts = Counts(pages_in=1, pages_out=1, words_in=2, words_out=1)
    counts.set_aside(record)
    return counts, [record]


def build(store: Path, jobs: list[str], workers: int = 1) -> list[Path]:
    filled.clear()
    shards = (Shard(f"print-of-{job}", job) for job in jobs)
    with ThreadPoolExecutor(workers) as executor:
        return list(built(store, shards, fill, executor, workers))


def test_folders_come_in_the_order_of_the_shards(tmp_path):
    jobs = [f"{number:02d}" for number in range(30)]
    folders = build(tmp_path, jobs, workers=4)
    assert [(folder / "content").read_text() for folder in folders] == jobs
    assert [record.dataset for record in shard_quarantine(folders)] == jobs
    counts = shard_counts(folders)
    assert (counts.pages_in, counts.words_in, counts.words_out, counts.add_up) == (30, 60, 30, True)


def test_a_failing_job_leaves_the_finished_shards_and_the_next_run_builds_only_the_missing(tmp_path):
    with pytest.raises(ValueError, match="bad"):
        build(tmp_path, ["a", "b", "bad", "c", "d", "e", "f", "g"])
    finished = list(filled)
    assert {"a", "b"} <= set(finished)
    assert not (tmp_path / "print-of-bad").exists()
    build(tmp_path, ["a", "b", "c", "d", "e", "f", "g"])
    assert sorted(finished + filled) == ["a", "b", "c", "d", "e", "f", "g"]
    build(tmp_path, ["a", "b", "c"])
    assert filled == []


def test_a_half_built_shard_does_not_count_as_built(tmp_path):
    half = tmp_path / ".print-of-a.draft"
    half.mkdir()
    (half / "leftover").touch()
    (folder,) = build(tmp_path, ["a"])
    assert filled == ["a"]
    assert sorted(path.name for path in folder.iterdir()) == ["content", "counts.json", "quarantine.jsonl"]


def test_no_more_shards_are_held_than_the_workers_need(tmp_path):
    taken = 0

    def shards():
        nonlocal taken
        for number in range(40):
            taken += 1
            assert taken <= len(filled) + 2 * 2 + 1
            yield Shard(f"{number}", f"{number}")

    filled.clear()
    with ThreadPoolExecutor(2) as executor:
        assert len(list(built(tmp_path, shards(), fill, executor, 2))) == 40


def test_progress_hears_of_every_shard_built_or_there(tmp_path):
    build(tmp_path, ["a", "b"])
    heard: list[str] = []
    with ThreadPoolExecutor(1) as executor:
        list(built(tmp_path, [Shard(f"print-of-{job}", job) for job in "abc"], fill, executor, 1, heard.append))
    assert heard == ["a", "b", "c"]


def test_shards_of_earlier_inputs_are_forgotten(tmp_path):
    build(tmp_path, ["a", "b", "c"])
    (tmp_path / ".print-of-d.draft").mkdir()
    forget_others(tmp_path, build(tmp_path, ["b"]))
    assert [path.name for path in tmp_path.iterdir()] == ["print-of-b"]
    forget_others(tmp_path / "none", [])


@pytest.mark.parametrize("file", ["content", "counts.json", "quarantine.jsonl"])
@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\x00"])
def test_a_damaged_shard_is_built_again(tmp_path, file, damage):
    (folder,) = build(tmp_path, ["a"])
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / file).write_bytes(damage)
    build(tmp_path, ["a"])
    assert filled == ["a"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole


def test_of_two_who_make_the_same_shard_the_first_ones_stays(tmp_path):
    (folder,) = build(tmp_path, ["a"])
    inode = (folder / "content").stat().st_ino
    build_shard(folder, fill, "a")
    assert (folder / "content").stat().st_ino == inode
    assert [path.name for path in tmp_path.iterdir()] == ["print-of-a"]


def test_to_rebuild_is_to_read_again_what_seems_unchanged(tmp_path):
    build(tmp_path, ["a", "b"])
    filled.clear()
    assert len(list(built(tmp_path, [Shard("print-of-a", "new")], fill, None, 1, rebuild=True))) == 1
    assert filled == ["new"] and (tmp_path / "print-of-a" / "content").read_text() == "new"
