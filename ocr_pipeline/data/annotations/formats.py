"""What trainers read: a recognition LMDB, or picture files with a JSONL; and how crops wait in their shards.

`LmdbFormat` and `JsonlFormat` do the same four things: ``keep`` a page's crops in the thread that cut them,
``write_shard``, tell whether a finished shard ``has_crops``, and ``publish`` the artifact from its shards.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Iterator
from io import RawIOBase
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np

from ocr_pipeline.data.annotations.crops import CropSample, PageCrops
from ocr_pipeline.data.annotations.files import has_crop, remove_others, write_crop
from ocr_pipeline.storage.artifacts.publication import Publication
from ocr_pipeline.storage.files.lmdb_files import LmdbWriter

_SAMPLES, _CROPS = "samples.jsonl", "crops.bin"

Crops = list[tuple[CropSample, bytes]]
"""The crops of one page."""


class LmdbFormat:
    """A recognition LMDB as the field knows it.

    Keys ``image-%09d`` (the encoded crop) and ``label-%09d`` (UTF-8, NFC) counted from 1, ``num-samples``;
    ``meta-%09d`` tells where each crop comes from. Convention: deep-text-recognition-benchmark, create_lmdb_dataset.py.
    """

    def keep(self, page: PageCrops) -> PageCrops:
        """The page as it goes into its shard, crops and all."""
        return page

    def has_crops(self, shard: Path) -> bool:
        """Whether all crops of a finished shard are still there: they lie within."""
        return True

    def write_shard(self, draft: Path, pages: Iterable[Crops]) -> None:
        """Write the samples of one shard and, one behind the other, their encoded crops."""
        with (draft / _SAMPLES).open("wb") as lines, (draft / _CROPS).open("wb", buffering=0) as file:
            for crops in pages:
                _write_samples(lines, crops)
                _write_all(file, b"".join(crop for _, crop in crops))

    def publish(self, made: Publication, shards: Iterable[Path]) -> None:
        """Put the samples of all shards, in their order, into the artifact."""
        encode, number = msgspec.json.Encoder().encode, 0
        with made.folder() as draft, LmdbWriter(draft) as writer:
            samples = chain.from_iterable(map(self._stored, shards))
            for number, (sample, crop) in enumerate(samples, start=1):
                image, label, meta = (part % number for part in (b"image-%09d", b"label-%09d", b"meta-%09d"))
                writer.put_all([(image, crop), (label, sample.text.encode()), (meta, encode(sample.origin))])
            writer.put("num-samples", str(number).encode())

    def _stored(self, shard: Path) -> Iterator[tuple[CropSample, bytes]]:
        with (shard / _CROPS).open("rb") as crops:
            yield from ((sample, crops.read(sample.size)) for sample in _samples(shard))


class JsonlFormat:
    """Crops as picture files, named by a JSONL.

    The files are written once, by the threads that crop, under names that no other state of a page takes: what an
    earlier JSONL names stays as it is until the new one is published. Only a picture that changed though its size and
    time did not gives other crops of the same names.

    Args:
        crops: folder of the picture files.
        before_change: called before a crop takes the place of another of its name; None: there is only what a kill
            left of the same one.
    """

    def __init__(self, crops: Path, before_change: Callable[[], None] | None = None) -> None:
        self._crops, self._before_change = crops.absolute(), before_change

    def keep(self, page: PageCrops) -> PageCrops:
        """The page as it goes into its shard: its crops are files by then."""
        for sample, crop in page.crops:
            write_crop(self._crops, sample.name, crop, self._before_change)
        page.crops = [(sample, b"") for sample, _ in page.crops]
        return page

    def has_crops(self, shard: Path) -> bool:
        """Whether all crops of a finished shard are still there, as they were written."""
        return all(has_crop(self._crops, sample.name, sample.size, sample.crc) for sample in _samples(shard))

    def write_shard(self, draft: Path, pages: Iterable[Crops]) -> None:
        """Write the samples of one shard."""
        with (draft / _SAMPLES).open("wb") as lines:
            for crops in pages:
                _write_samples(lines, crops)

    def publish(self, made: Publication, shards: Iterable[Path]) -> None:
        """Name the crops of all shards, in their order, in the artifact; crops that it does not name are removed."""
        encode_lines, named = msgspec.json.Encoder().encode_lines, array("q")
        with made.file() as draft:
            with draft.open("wb") as file:
                for shard in shards:
                    samples = list(_samples(shard))
                    named.extend(hash(sample.name) for sample in samples)
                    file.write(encode_lines([jsonl_record(self._crops, sample) for sample in samples]))
            os.sync()  # a hundred thousand small files at once; one by one would take a hundred times as long
        remove_others(self._crops, np.array(named, np.int64))


def jsonl_record(crops: Path, sample: CropSample) -> dict[str, list[dict[str, Any]]]:
    """One line of the JSONL: a picture, the prompt and the answer."""
    image: dict[str, Any] = {"matched_text_index": 0, "image_url": f"{crops}/{sample.name}"}
    if sample.origin.window:
        image["window"] = sample.origin.window
    return {
        "image_info": [image],
        "text_info": [{"text": "OCR:", "tag": "mask"}, {"text": sample.text, "tag": "no_mask"}],
    }


def _write_samples(lines: BinaryIO, crops: Crops) -> None:
    lines.write(msgspec.json.Encoder().encode_lines([sample for sample, _ in crops]))


def _samples(shard: Path) -> Iterator[CropSample]:
    decoder = msgspec.json.Decoder(CropSample)
    with (shard / _SAMPLES).open("rb") as lines:
        yield from map(decoder.decode, lines)


def _write_all(file: RawIOBase, data: bytes) -> None:
    """A full disk takes a part of what it is given and says so only at the next write."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
