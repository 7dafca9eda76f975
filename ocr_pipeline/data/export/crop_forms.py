"""Crops as Hugging Face's parquet, as WebDataset's tars, and as PaddleOCR's folder."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ocr_pipeline.data.export.samples import CropSample, Source, crops_of

_ROWS = 1_000  # of a row group
_SHARD = 10_000  # samples of a tar
_ORIGIN = ("dataset", "split", "sample", "version")

_SCHEMA = pa.schema(
    [
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("text", pa.string()),
        *((name, pa.string()) for name in _ORIGIN),
    ],
    metadata={
        "huggingface": json.dumps(
            {
                "info": {
                    "features": {
                        "image": {"_type": "Image"},
                        **{name: {"dtype": "string", "_type": "Value"} for name in ("text", *_ORIGIN)},
                    }
                }
            }
        )
    },
)


def write_hugging_face(folder: Path, source: Source) -> int:
    """``data/<split>-<dataset>.parquet``, which `datasets.load_dataset` loads with pictures; returns how many."""
    path = folder / "data" / f"{source.split}-{source.dataset}.parquet"
    path.parent.mkdir(exist_ok=True)
    count, samples = 0, crops_of(source)
    with pq.ParquetWriter(path, _SCHEMA) as writer:
        while rows := [_row(sample) for sample in islice(samples, _ROWS)]:
            writer.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA))
            count += len(rows)
    return count


def _row(sample: CropSample) -> dict[str, object]:
    name = sample.origin["sample"].replace("#", "_") + sample.ending
    return {"image": {"bytes": sample.picture, "path": name}, "text": sample.text, **sample.origin}


def write_web_dataset(folder: Path, source: Source) -> int:
    """``<dataset>-<split>-000000.tar`` and so on: picture, ``.txt`` and ``.json`` of each sample; returns how many."""
    count = 0
    for number, samples in enumerate(_batches(crops_of(source))):
        with tarfile.open(folder / f"{source.dataset}-{source.split}-{number:06d}.tar", "w") as tar:
            for sample in samples:
                _add_sample(tar, f"{count:09d}", sample)
                count += 1
    return count


def _batches(samples: Iterator[CropSample]) -> Iterator[Iterable[CropSample]]:
    while batch := list(islice(samples, _SHARD)):
        yield batch


def _add_sample(tar: tarfile.TarFile, key: str, sample: CropSample) -> None:
    origin = json.dumps({"text": sample.text, **sample.origin}, ensure_ascii=False).encode()
    for ending, content in ((sample.ending, sample.picture), (".txt", sample.text.encode()), (".json", origin)):
        entry = tarfile.TarInfo(key + ending)  # without time and owner: the same samples give the same bytes
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))


def write_ppocr(folder: Path, source: Source) -> int:
    """``<split>/<dataset>/000000000.jpg`` and a line in ``rec_gt_<split>.txt`` for each; returns how many."""
    pictures = folder / source.split / source.dataset
    pictures.mkdir(parents=True)
    count = 0
    with (
        (folder / f"rec_gt_{source.split}.txt").open("a", encoding="utf-8") as labels,
        (folder / "origin.jsonl").open("a", encoding="utf-8") as origins,
    ):
        for count, sample in enumerate(crops_of(source), 1):
            picture = pictures / f"{count:09d}{sample.ending}"
            picture.write_bytes(sample.picture)
            name = picture.relative_to(folder).as_posix()
            labels.write(f"{name}\t{sample.text}\n")
            origins.write(json.dumps({"image": name, **sample.origin}, ensure_ascii=False) + "\n")
    return count
