"""The recognition LMDB, opened by the key logic of the programs that people train with; each reader is our own."""

from pathlib import Path

import lmdb
import numpy as np
import pytest

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline_tests.data.annotations.test_reader import TEXTS, write_lmdb

Samples = list[tuple[bytes, str]]
OPEN = {"readonly": True, "lock": False, "readahead": False, "meminit": False}


def parseq(folder: Path) -> Samples:
    """Counts to num-samples, keys from 1; opens with max_readers=1 and without locks."""
    with lmdb.open(str(folder), max_readers=1, **OPEN) as env, env.begin() as txn:
        count = int(txn.get(b"num-samples"))
        keys = [f"{index + 1:09d}" for index in range(count)]
        return [(txn.get(f"image-{key}".encode()), txn.get(f"label-{key}".encode()).decode()) for key in keys]


def deep_text_recognition_benchmark(folder: Path) -> Samples:
    """Opens with 32 readers; a list of numbers from 1, kept where the label is short enough, then read by number."""
    with lmdb.open(str(folder), max_readers=32, **OPEN) as env, env.begin(write=False) as txn:
        numbers = [number + 1 for number in range(int(txn.get(b"num-samples")))]
        kept = [n for n in numbers if len(txn.get(b"label-%09d" % n).decode("utf-8")) <= 25]
        return [(txn.get(b"image-%09d" % n), txn.get(b"label-%09d" % n).decode("utf-8")) for n in kept]


def paddleocr(folder: Path) -> Samples:
    """Walks for folders without subfolders, and keeps (set, number) rows of an array, numbers from 1."""
    samples: Samples = []
    leaves = [
        path for path in (folder, *folder.rglob("*")) if path.is_dir() and not any(p.is_dir() for p in path.iterdir())
    ]
    for leaf in leaves:
        with lmdb.open(str(leaf), max_readers=32, **OPEN) as env, env.begin(write=False) as txn:
            rows = np.zeros((int(txn.get(b"num-samples")), 2), int)
            rows[:, 1] = np.arange(len(rows)) + 1
            for _, number in rows:
                label, image = txn.get(b"label-%09d" % number), txn.get(b"image-%09d" % number)
                assert label is not None and image is not None  # it would silently draw another sample
                samples.append((image, label.decode("utf-8")))
    return samples


def mmocr(folder: Path) -> Samples:
    """Its recognition LMDB: num-samples, then image and label of each number from 1, keys encoded in UTF-8."""
    with lmdb.open(str(folder), **OPEN) as env, env.begin(write=False) as txn:
        total = int(txn.get(b"num-samples").decode("utf-8"))
        found = []
        for number in range(1, total + 1):
            image_key, label_key = f"image-{str(number).zfill(9)}", f"label-{str(number).zfill(9)}"
            found.append((txn.get(image_key.encode("utf-8")), txn.get(label_key.encode("utf-8")).decode("utf-8")))
        return found


@pytest.mark.parametrize("read", [parseq, deep_text_recognition_benchmark, paddleocr, mmocr])
def test_every_picture_and_label_is_what_we_read(tmp_path: Path, read) -> None:
    folder = write_lmdb(tmp_path / "set.lmdb", meta=True)
    theirs = read(folder)  # first: one process may open an environment once, and ours stays open
    ours = CropReader(folder)
    expected = [(crop.image, crop.text) for crop in map(ours.read, range(len(ours)))]
    assert theirs == expected
    assert [text for _, text in expected] == TEXTS


def test_a_zero_based_lmdb_shows_why_ours_count_from_one(tmp_path: Path) -> None:
    folder = write_lmdb(tmp_path / "old.lmdb", first=0)
    with pytest.raises(AttributeError):
        parseq(folder)
    assert [CropReader(folder).text(index) for index in range(4)] == TEXTS
