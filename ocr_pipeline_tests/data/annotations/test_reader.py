import json
import pickle
import unicodedata
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from ocr_pipeline.data.annotations import Crop, CropReader
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.lmdb_files import LmdbWriter

TEXTS = ["서울", "1,000원", "가 나", "끝"]


def write_lmdb(folder, *, first=1, texts=TEXTS, count=None, meta=False):
    with LmdbWriter(folder) as writer:
        for number, text in enumerate(texts, start=first):
            writer.put(f"image-{number:09d}", f"picture of {text}".encode())
            writer.put(f"label-{number:09d}", text.encode())
            if meta:
                writer.put(f"meta-{number:09d}", b'{"word":7}')
        writer.put("num-samples", str(count or len(texts)).encode())
    return folder


def write_jsonl(folder, texts=TEXTS, *, blank=False):
    lines = []
    for number, text in enumerate(texts):
        (folder / "crops").mkdir(exist_ok=True, parents=True)
        (folder / f"crops/{number}.jpg").write_bytes(f"picture of {text}".encode())
        line = {
            "image_info": [{"matched_text_index": 0, "image_url": f"crops/{number}.jpg"}],
            "text_info": [{"text": "OCR:", "tag": "mask"}, {"text": text, "tag": "no_mask"}],
        }
        lines.append(json.dumps(line, ensure_ascii=number % 2 == 0))
    path = folder / "set.jsonl"
    path.write_text(("\n\n" if blank else "\n").join(lines) + ("\n\n" if blank else ""), encoding="utf-8")
    return path


@pytest.mark.parametrize("first", [0, 1])
def test_lmdb_counted_from_zero_or_one(tmp_path, first):
    reader = CropReader(write_lmdb(tmp_path / "set.lmdb", first=first))
    crops = [reader.read(index) for index in range(len(reader))]
    assert [crop.text for crop in crops] == TEXTS == [reader.text(index) for index in range(len(reader))]
    assert [crop.image.decode() for crop in crops] == [f"picture of {text}" for text in TEXTS]


@pytest.mark.parametrize("blank", [False, True])
def test_jsonl(tmp_path, blank):
    reader = CropReader(write_jsonl(tmp_path, blank=blank))
    assert len(reader) == len(TEXTS)
    assert reader.read(2) == Crop("picture of 가 나".encode(), "가 나", str(tmp_path / "crops/2.jpg"))
    assert [reader.text(index) for index in range(4)] == TEXTS


def test_labels_come_out_in_nfc(tmp_path):
    reader = CropReader(write_lmdb(tmp_path / "set.lmdb", texts=[unicodedata.normalize("NFD", "한글")]))
    assert reader.read(0).text == "한글"


def test_source_names_the_sample(tmp_path):
    reader = CropReader(write_lmdb(tmp_path / "set.lmdb", meta=True))
    assert reader.read(1).source.endswith('set.lmdb#2 {"word":7}')


def test_same_path_twice(tmp_path):
    path = write_lmdb(tmp_path / "set.lmdb")
    assert CropReader(path).read(0) == CropReader(path).read(0)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("write", [lambda folder: write_lmdb(folder / "set.lmdb"), write_jsonl], ids=["lmdb", "jsonl"])
def test_read_in_worker_processes_after_reading_here(tmp_path, write, method):
    reader = CropReader(write(tmp_path))
    here = [reader.read(index) for index in range(4)]
    with ProcessPoolExecutor(2, mp_context=get_context(method)) as pool:
        assert list(pool.map(reader.read, range(4))) == here
    assert pickle.loads(pickle.dumps(reader)).read(3) == here[3]  # noqa: S301 (its own bytes)


def test_index_out_of_range(tmp_path):
    reader = CropReader(write_lmdb(tmp_path / "set.lmdb"))
    for index in (-1, 4):
        with pytest.raises(IndexError):
            reader.read(index)


def test_missing_sample_is_an_error_not_another_sample(tmp_path):
    reader = CropReader(write_lmdb(tmp_path / "set.lmdb", count=5))
    with pytest.raises(PipelineError, match="sample 5"):
        reader.read(4)


def test_errors_name_the_place(tmp_path):
    with pytest.raises(PipelineError, match="no LMDB here"):
        CropReader(tmp_path / "nothing")
    path = write_jsonl(tmp_path)
    (tmp_path / "crops/1.jpg").unlink()
    with pytest.raises(PipelineError, match=r"line 2 .*1\.jpg"):
        CropReader(path).read(1)
    path.write_text('{"image_info": []}\n')
    with pytest.raises(PipelineError, match="line 1 is not a crop"):
        CropReader(path).read(0)
