"""What trainers read: a recognition LMDB, or picture files with a JSONL; and how crops wait in their shards."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import RawIOBase
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ocr_pipeline.data.annotations.crops import PageCrops, Sample
from ocr_pipeline.data.annotations.files import remove_others, write_crop
from ocr_pipeline.storage.artifacts.publication import Publication
from ocr_pipeline.storage.files.lmdb_files import LmdbWriter

_SAMPLES, _CROPS = "samples.jsonl", "crops.bin"

Crops = list[tuple[Sample, bytes]]
Put = Callable[[Crops], object]
"""Takes the crops of one page."""


class Format(ABC):
    """One of the two output formats: how a shard keeps its crops, and how the artifact is made of them."""

    @abstractmethod
    def keep(self, page: PageCrops) -> PageCrops:
        """Called in the thread that cropped the page."""

    @abstractmethod
    def is_whole(self, shard: Path) -> bool:
        """Whether all crops of a finished shard are still there."""

    @abstractmethod
    def shard_writer(self, draft: Path) -> AbstractContextManager[Put]:
        """Writes the samples of one shard."""

    @abstractmethod
    def read_shard(self, shard: Path) -> Iterator[Crops]:
        """The crops of one shard, in their order."""

    @abstractmethod
    def publish(self) -> AbstractContextManager[Put]:
        """Takes the samples of all shards, in their order, and publishes the artifact."""


class LmdbFormat(Format):
    """A recognition LMDB as the field knows it.

    Keys ``image-%09d`` (the encoded crop) and ``label-%09d`` (UTF-8, NFC) counted from 1, ``num-samples``;
    ``meta-%09d`` tells where each crop comes from. Convention: deep-text-recognition-benchmark, create_lmdb_dataset.py.
    """

    def __init__(self, made: Publication) -> None:
        self._made = made

    def keep(self, page: PageCrops) -> PageCrops:
        return page

    def is_whole(self, shard: Path) -> bool:
        return True

    @contextmanager
    def shard_writer(self, draft: Path) -> Iterator[Put]:
        with _sample_lines(draft) as put_lines, (draft / _CROPS).open("wb", buffering=0) as file:

            def put(crops: Crops) -> None:
                put_lines(crops)
                _write_all(file, b"".join(crop for _, crop in crops))

            yield put

    def read_shard(self, shard: Path) -> Iterator[Crops]:
        with (shard / _CROPS).open("rb") as crops:
            for sample in _samples(shard):
                yield [(sample, crops.read(sample.size))]

    @contextmanager
    def publish(self) -> Iterator[Put]:
        encoder, number = msgspec.json.Encoder(), 0
        with self._made.folder() as draft, LmdbWriter(draft) as writer:

            def put(crops: Crops) -> None:
                nonlocal number
                records = []
                for number, (sample, crop) in enumerate(crops, start=number + 1):  # noqa: B020
                    digits = b"%09d" % number
                    records.append((b"image-" + digits, crop))
                    records.append((b"label-" + digits, sample.text.encode()))
                    records.append((b"meta-" + digits, encoder.encode(sample.origin)))
                writer.put_all(records)

            yield put
            writer.put("num-samples", str(number).encode())


class JsonlFormat(Format):
    """Crops as picture files, named by a JSONL.

    The files are written once, by the threads that crop, under names that no other state of a page takes: what an
    earlier JSONL names stays as it is until the new one is published.

    Args:
        crops: folder of the picture files.
    """

    def __init__(self, made: Publication, crops: Path) -> None:
        self._made, self._crops = made, crops.absolute()

    def keep(self, page: PageCrops) -> PageCrops:
        for sample, crop in page.crops:
            write_crop(self._crops, sample.name, crop)
        page.crops = [(sample, b"") for sample, _ in page.crops]
        return page

    def is_whole(self, shard: Path) -> bool:
        sizes = ((f"{self._crops}/{sample.name}", sample.size) for sample in _samples(shard))
        return all(os.path.isfile(path) and os.path.getsize(path) == size for path, size in sizes)  # noqa: PTH113, PTH202

    def shard_writer(self, draft: Path) -> AbstractContextManager[Put]:
        return _sample_lines(draft)

    def read_shard(self, shard: Path) -> Iterator[Crops]:
        return ([(sample, b"")] for sample in _samples(shard))

    @contextmanager
    def publish(self) -> Iterator[Put]:
        encoder, named = msgspec.json.Encoder(), array("q")
        with self._made.file() as draft:
            with draft.open("wb") as file:

                def put(crops: Crops) -> None:
                    named.extend(hash(sample.name) for sample, _ in crops)
                    file.write(encoder.encode_lines([jsonl_record(self._crops, sample) for sample, _ in crops]))

                yield put
            os.sync()  # a hundred thousand small files at once; one by one would take a hundred times as long
        remove_others(self._crops, np.array(named, np.int64))


def jsonl_record(crops: Path, sample: Sample) -> dict[str, list[dict[str, Any]]]:
    """One line of the JSONL: a picture, the prompt and the answer."""
    image: dict[str, Any] = {"matched_text_index": 0, "image_url": f"{crops}/{sample.name}"}
    if sample.origin.window:
        image["window"] = sample.origin.window
    return {
        "image_info": [image],
        "text_info": [{"text": "OCR:", "tag": "mask"}, {"text": sample.text, "tag": "no_mask"}],
    }


@contextmanager
def _sample_lines(draft: Path) -> Iterator[Put]:
    encoder = msgspec.json.Encoder()
    with (draft / _SAMPLES).open("wb") as lines:
        yield lambda crops: lines.write(encoder.encode_lines([sample for sample, _ in crops]))


def _write_all(file: RawIOBase, data: bytes) -> None:
    """A full disk takes a part of what it is given and says so only at the next write."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _samples(shard: Path) -> Iterator[Sample]:
    decoder = msgspec.json.Decoder(Sample)
    with (shard / _SAMPLES).open("rb") as lines:
        yield from map(decoder.decode, lines)
