import multiprocessing
import pickle
from functools import partial

import numpy as np
import pytest

from ocr_pipeline.data.layout_lmdb import Cell, LayoutReader, LayoutWord, Region, write_layout_samples
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.lmdb_files import LmdbWriter
from ocr_pipeline_tests.data.layout_lmdb.making import Malicious, picture, record, rectangle

IMAGE = picture()


def old_lmdb(folder, *values: bytes, first: int, version: str | None = "1"):
    with LmdbWriter(folder) as lmdb:
        for number, value in enumerate(values, start=first):
            lmdb.put(f"image-{number:09d}", IMAGE)
            lmdb.put(f"gt-{number:09d}", value)
        lmdb.put("num-samples", str(len(values)).encode())
        if version:
            lmdb.put("format_version", version.encode())
    return LayoutReader(folder)


def old_sample(bboxes, words) -> bytes:
    return pickle.dumps({"bboxes": bboxes, "words": words, "filename": "a.jpg"})


def test_a_record_comes_back_as_it_was_written(tmp_path):
    words = (
        LayoutWord(rectangle(0.5, 1, 20, 9.25), "가나", id=4, region=0),
        LayoutWord(rectangle(1, 2, 3, 4), "", "ignore"),
    )
    region = Region("table", 0.51, (0.0, 0.0, 60.5, 40.0), 0, "가나", (0,))
    whole = record(words, regions=(region,), cells=(Cell((1.0, 2.0, 3.0, 4.0), 0.4, 0),))
    path = tmp_path / "a_train_layout.lmdb"
    assert write_layout_samples(path, [(IMAGE, whole), (b"other", record())], {"model": "x"}) == 2
    reader = LayoutReader(path)
    assert len(reader) == 2 and reader.meta == {"model": "x"}
    assert reader.read(0) == (IMAGE, whole)
    assert reader.read(1) == (b"other", record())
    for beyond in (2, -1):
        with pytest.raises(IndexError):
            reader.read(beyond)


def test_same_samples_same_bytes(tmp_path):
    samples = [(picture(seed=seed), record()) for seed in range(30)]
    for name in "ab":
        write_layout_samples(tmp_path / name, iter(samples), {"z": 1, "a": 2} if name == "a" else {"a": 2, "z": 1})
    assert (tmp_path / "a/data.mdb").read_bytes() == (tmp_path / "b/data.mdb").read_bytes()


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("version", [None, "1"])
def test_old_files_count_from_either_number_and_in_either_unit(tmp_path, first, version):
    pixels = old_sample([[12, 8, 60, 8, 60, 40, 12, 40]], ["가"])
    shares = old_sample([[0.1, 0.1, 0.5, 0.1, 0.5, 0.5, 0.1, 0.5]], ["나"])
    nested = old_sample([((12.0, 8.0), (60.0, 8.0), (60.0, 40.0), (12.0, 40.0))], ["###"])
    reader = old_lmdb(tmp_path, pixels, shares, nested, first=first, version=version)
    records = [reader.read(index)[1] for index in range(3)]
    assert [(r.words[0].text, r.words[0].state) for r in records] == [("가", "ok"), ("나", "ok"), ("###", "ignore")]
    for old in records:
        assert np.array(old.words[0].quad) == pytest.approx(np.array(rectangle(12, 8, 60, 40)))
        assert (old.width, old.height, old.image) == (120, 80, "a.jpg")


def test_old_quads_are_clipped_to_the_picture(tmp_path):
    reader = old_lmdb(tmp_path, old_sample([[-5, 8, 130, 8, 130, 90, -5, 90]], ["가"]), first=0)
    assert reader.read(0)[1].words[0].quad == rectangle(0, 8, 120, 80)


def test_a_malicious_pickle_is_refused_and_not_run(tmp_path):
    trap = tmp_path / "trap"
    reader = old_lmdb(
        tmp_path / "lmdb", pickle.dumps({"bboxes": [], "words": [], "filename": Malicious(trap)}), first=1
    )
    with pytest.raises(PipelineError, match=r"posix\.mkdir|nt\.mkdir"):
        reader.read(0)
    assert not trap.exists()


@pytest.mark.parametrize(
    "value",
    [
        b"no pickle",
        pickle.dumps([1]),
        pickle.dumps({"bboxes": [[1, 2]], "words": ["a"]}),
        pickle.dumps({"bboxes": [[0.1] * 8], "words": []}),
        pickle.dumps({"bboxes": [[float("nan")] * 8], "words": ["a"]}),
        pickle.dumps({"bboxes": [[{}] * 8], "words": ["a"]}),
        pickle.dumps({"bboxes": [], "words": []})[:-3],
    ],
)
def test_a_damaged_old_sample_names_its_number(tmp_path, value):
    reader = old_lmdb(tmp_path, old_sample([], []), value, first=0)
    with pytest.raises(PipelineError, match="sample 1 cannot be read"):
        reader.read(1)


def test_what_is_no_layout_lmdb_is_refused(tmp_path):
    with pytest.raises(PipelineError, match="no LMDB here"):
        LayoutReader(tmp_path)
    with pytest.raises(PipelineError, match="format_version 7"):
        old_lmdb(tmp_path / "new", first=1, version="7")


def test_a_reader_crosses_a_spawn(tmp_path):
    path = tmp_path / "a.lmdb"
    write_layout_samples(path, [(IMAGE, record())] * 3, {})
    reader = LayoutReader(path)
    reader.read(0)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(partial(LayoutReader.read, reader), range(3)) == [(IMAGE, record())] * 3
