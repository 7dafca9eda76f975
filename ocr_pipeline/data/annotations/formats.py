"""What trainers read: a recognition LMDB, or picture files with a JSONL; and how crops wait in their shards.

`LmdbFormat` and `JsonlFormat` do the same four things: ``keep`` a page's crops in the thread that cut them,
``write_shard``, tell whether a finished shard ``has_crops``, and ``publish`` the artifact from its shards.
"""

from __future__ import annotations

import os
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from io import RawIOBase
from itertools import chain, groupby
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np

from ocr_pipeline.data.annotations.crops import CropSample, PageCrops
from ocr_pipeline.data.annotations.files import remove_others, write_crop
from ocr_pipeline.storage.artifacts.publication import Publication
from ocr_pipeline.storage.artifacts.shards import shard_counts, shard_digest
from ocr_pipeline.storage.artifacts.sums import SUMS, sum_line
from ocr_pipeline.storage.files.fingerprints import fingerprint_of, has_sum
from ocr_pipeline.storage.files.lmdb_files import LmdbWriter
from ocr_pipeline.storage.files.lmdb_parts import Part, part_name, read_parts, settle_parts

PART_PAGES = 50_000
"""So many pages make a part, on average; less than half of them are one file."""
_SHARDS_TO_A_BEGINNING = 100

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
        """Put the samples of all shards, in their order, into the artifact; a part that it has already is linked."""
        there = {part.digest: part for part in read_parts(made.artifact)} if made.published else {}
        with made.folder() as draft:
            parts = []
            for number, group in enumerate(in_parts(shards)):
                digest = fingerprint_of(map(shard_digest, group))
                name, known = part_name(number), there.get(digest)
                if known and made.link(f"/{known.name}/data.mdb", draft / name / "data.mdb"):
                    parts.append(Part(name, known.count, digest))
                else:
                    parts.append(Part(name, self._write(draft / name, group), digest))
            settle_parts(draft, parts)

    def _write(self, folder: Path, shards: Iterable[Path]) -> int:
        """Write one LMDB of some shards, and tell how many samples it holds."""
        encode, number = msgspec.json.Encoder().encode, 0
        with LmdbWriter(folder) as writer:
            samples = chain.from_iterable(map(self._stored, shards))
            for number, (sample, crop) in enumerate(samples, start=1):
                image, label, meta = (part % number for part in (b"image-%09d", b"label-%09d", b"meta-%09d"))
                writer.put_all([(image, crop), (label, sample.text.encode()), (meta, encode(sample.origin))])
            writer.put("num-samples", str(number).encode())
        return number

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
        return all(has_sum(f"{self._crops}/{sample.name}", sample.size, sample.crc) for sample in _samples(shard))

    def write_shard(self, draft: Path, pages: Iterable[Crops]) -> None:
        """Write the samples of one shard."""
        with (draft / _SAMPLES).open("wb") as lines:
            for crops in pages:
                _write_samples(lines, crops)

    def publish(self, made: Publication, shards: Iterable[Path]) -> None:
        """Name the crops of all shards, in their order, in the artifact; crops that it does not name are removed."""
        encode_lines, named = msgspec.json.Encoder().encode_lines, array("q")
        below = os.path.relpath(self._crops, made.artifact.parent)
        with made.file() as draft, made.file(SUMS) as sums:
            with draft.open("wb") as file, sums.open("wb") as sum_lines:
                for shard in shards:
                    samples = list(_samples(shard))
                    named.extend(hash(sample.name) for sample in samples)
                    file.write(encode_lines([jsonl_record(self._crops, sample) for sample in samples]))
                    sum_lines.writelines(sum_line(one.crc, one.size, f"{below}/{one.name}") for one in samples)
            os.sync()  # a hundred thousand small files at once; one by one would take a hundred times as long
        remove_others(self._crops, np.array(named, np.int64))


def in_parts(shards: Iterable[Path]) -> Iterator[list[Path]]:
    """Shards in their order, those of about `PART_PAGES` pages together; at least one group, be it empty.

    A part begins at a shard whose first crop says so, as a shard begins at a page: what comes or goes changes the part
    it stands in.
    """
    group: list[Path] = []
    held = 0
    for shard in shards:
        if held >= 2 * PART_PAGES or (held >= PART_PAGES // 2 and _begins_part(shard)):
            yield group
            group, held = [], 0
        group.append(shard)
        held += shard_counts([shard]).pages_in
    yield group


def _begins_part(shard: Path) -> bool:
    first = next(_samples(shard), None)
    name = f"{first.origin.source}\t{first.origin.image}" if first else ""
    return zlib.crc32(name.encode()) % _SHARDS_TO_A_BEGINNING == 0


def jsonl_record(crops: Path, sample: CropSample) -> dict[str, list[dict[str, Any]]]:
    """One line of the JSONL: a picture, the prompt and the answer."""
    image: dict[str, Any] = {"matched_text_index": 0, "image_url": f"{crops}/{sample.name}"}
    if sample.origin.window:
        image["window"] = sample.origin.window
    return {
        "image_info": [image],
        "text_info": [{"text": "OCR:", "tag": "mask"}, {"text": sample.text, "tag": "no_mask"}],
    }


def pages_in(shard: Path) -> Iterator[tuple[str, str, int]]:
    """Label file and picture of each page that a shard has crops of, and how many."""
    origins = ((sample.origin.source, sample.origin.image) for sample in _samples(shard))
    yield from ((label, image, sum(1 for _ in crops)) for (label, image), crops in groupby(origins))


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
