from __future__ import annotations

import msgspec
import pandas as pd
import pyarrow.parquet as pq
import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Quarantined
from ocr_pipeline.storage.artifacts.manifest import quarantine_path, read_manifest
from ocr_pipeline.storage.artifacts.publication import publication
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.quarantine_parquet import ROW_GROUP, ParquetRecords
from ocr_pipeline.storage.artifacts.renewal import ANYHOW

RECORDS = [
    Quarantined("page", "image_missing", "handwriting", "train", "가/나.json", "나.png", detail="왜", words=3),
    Quarantined("word", "word_outside", "handwriting", "train", word=4, raw='{"a": "\\n"}'),
    Quarantined("word", "word_outside", "handwriting", "train", word=0, detail="郎 (~ㅇㅂㅇ)~"),
]


def write_quarantine(path, records):
    with ParquetRecords(path) as quarantine:
        for record in records:
            quarantine.write(record)


def publish(artifact, records):
    said = {"stage": "test", "partition": "p", "code_version": "1", "settings": {}, "inputs": []}
    with publication(artifact, **said, renewal=ANYHOW.also(rebuild=True)) as made:
        for record in records:
            made.set_aside(record)
        with made.file() as draft:
            draft.write_text("x")
        made.fingerprint = "x"


def many(count):
    return (Quarantined("word", "word_outside", "d", "s", f"{number}.json", word=number) for number in range(count))


def test_records_read_back(tmp_path):
    path = quarantine_path(tmp_path / "x.lmdb")
    assert path.name == "x.lmdb.quarantine.parquet"
    write_quarantine(path, RECORDS)
    assert list(read_quarantine(path)) == RECORDS
    write_quarantine(path, [])
    assert list(read_quarantine(path)) == []


def test_other_programs_read_it_as_a_table(tmp_path):
    write_quarantine(tmp_path / "q.parquet", RECORDS)
    table = pd.read_parquet(tmp_path / "q.parquet")
    assert list(table.columns) == [
        "dataset", "split", "label", "image", "word", "unit", "reason", "detail", "words", "raw",
    ]  # fmt: skip
    assert table["reason"].value_counts().to_dict() == {"word_outside": 2, "image_missing": 1}
    assert table["word"].isna().tolist() == [True, False, False]


def test_the_same_records_give_the_same_bytes_in_row_groups(tmp_path):
    for name in "ab":
        write_quarantine(tmp_path / name, many(2 * ROW_GROUP + 1))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    layout = pq.ParquetFile(tmp_path / "a").metadata
    assert [layout.row_group(place).num_rows for place in range(layout.num_row_groups)] == [ROW_GROUP, ROW_GROUP, 1]
    assert [record.word for record in read_quarantine(tmp_path / "a")] == list(range(2 * ROW_GROUP + 1))


@pytest.mark.parametrize(
    "raw", ["\x00\x1f\u2028\u200b", "😀\U0010fffd", "a\r\n\tb", '"\\\\"', "2021.09.06", "2021-09-06", "null", "12"]
)
def test_any_text_survives(tmp_path, raw):
    record = Quarantined("word", "word_malformed", "d", "s", raw, raw, 0, raw, 0, raw)
    write_quarantine(tmp_path / "q.parquet", [record])
    assert list(read_quarantine(tmp_path / "q.parquet")) == [record]


def test_large_records_make_more_row_groups(tmp_path):
    large = [Quarantined("word", "word_malformed", "d", "s", raw=f"{number}" * 1_500_000) for number in range(8)]
    write_quarantine(tmp_path / "q.parquet", large)
    assert pq.ParquetFile(tmp_path / "q.parquet").metadata.num_row_groups == 2
    assert list(read_quarantine(tmp_path / "q.parquet")) == large


def test_older_json_lines_are_read_until_the_next_run_replaces_them(tmp_path):
    path = quarantine_path(tmp_path / "x.lmdb")
    older = tmp_path / "x.lmdb.quarantine.jsonl"
    older.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in RECORDS))
    assert list(read_quarantine(older)) == list(read_quarantine(path)) == RECORDS
    publish(tmp_path / "x.lmdb", RECORDS[:1])
    assert list(read_quarantine(path)) == RECORDS[:1]
    assert not older.exists()


def test_an_interrupted_quarantine_leaves_the_one_that_was_there(tmp_path):
    publish(tmp_path / "x.lmdb", RECORDS)

    def broken():
        yield RECORDS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path / "x.lmdb", broken())
    assert list(read_quarantine(quarantine_path(tmp_path / "x.lmdb"))) == RECORDS
    assert read_manifest(tmp_path / "x.lmdb").counts.pages_quarantined == 1


def test_damage_and_an_unwritable_place_say_what_to_do(tmp_path):
    path = tmp_path / "q.parquet"
    write_quarantine(path, RECORDS)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(PipelineError, match="materialise the asset again"):
        list(read_quarantine(path))
    (tmp_path / "file").touch()
    with pytest.raises(PipelineError, match="cannot write"):
        publish(tmp_path / "file" / "x.lmdb", RECORDS)


def test_counts_add_up_only_when_nothing_is_lost():
    counts = Counts(pages_in=3, pages_out=2, words_in=10, words_out=6)
    assert not counts.add_up
    counts.set_aside(Quarantined("page", "image_missing", "d", "s", words=3))
    assert not counts.add_up
    counts.set_aside(Quarantined("word", "word_outside", "d", "s", word=1))
    assert counts.add_up
    assert counts.reasons == {"page": {"image_missing": 1}, "word": {"image_missing": 3, "word_outside": 1}}
    counts.words_out += 1
    assert not counts.add_up


def test_counts_of_parts_sum():
    one, other = Counts(1, 1, 4, 3), Counts(2, 1, 2, 2)
    one.set_aside(Quarantined("word", "word_outside", "d", "s"))
    other.set_aside(Quarantined("page", "image_missing", "d", "s"))
    other.set_aside(Quarantined("word", "word_outside", "d", "s"))
    one.note("characters", 2)
    one.note("nothing", 0)
    other.note("characters")
    total = one + other
    assert (total.pages_in, total.pages_out, total.words_in, total.words_out) == (3, 2, 6, 5)
    assert total.reasons == {"page": {"image_missing": 1}, "word": {"word_outside": 2}}
    assert total.notes == {"characters": 3}
