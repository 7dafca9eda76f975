"""Crops out of their shards into what trainers read: a recognition LMDB, or picture files with a JSONL."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from ocr_pipeline.annotations.crops import Sample
from ocr_pipeline.storage.lmdb_files import LmdbWriter
from ocr_pipeline.storage.publishing import publish_file, publish_folder

SAMPLES, CROPS = "samples.jsonl", "crops.bin"


def read_shard(folder: Path) -> Iterator[tuple[Sample, bytes]]:
    """The crops of one shard, in their order."""
    decoder = msgspec.json.Decoder(Sample)
    with (folder / SAMPLES).open("rb") as lines, (folder / CROPS).open("rb") as crops:
        for line in lines:
            sample = decoder.decode(line)
            yield sample, crops.read(sample.size)


def write_lmdb(target: Path, samples: Iterable[tuple[Sample, bytes]]) -> None:
    """Publish a recognition LMDB as the field knows it.

    Keys ``image-%09d`` (JPEG) and ``label-%09d`` (UTF-8, NFC) counted from 1, ``num-samples``; ``meta-%09d`` tells
    where each crop comes from. Convention: deep-text-recognition-benchmark, create_lmdb_dataset.py.
    """
    encode = msgspec.json.encode
    number = 0
    with publish_folder(target) as draft, LmdbWriter(draft) as writer:
        for number, (sample, crop) in enumerate(samples, start=1):
            meta = {"source": sample.source, "image": sample.image, "word": sample.word, "box": sample.box}
            writer.put(f"image-{number:09d}", crop)
            writer.put(f"label-{number:09d}", sample.text.encode())
            writer.put(f"meta-{number:09d}", encode(meta))
        writer.put("num-samples", str(number).encode())


def write_jsonl(target: Path, crops: Path, samples: Iterable[tuple[Sample, bytes]]) -> None:
    """Write the crops as files, then publish the JSONL that names them; files of earlier crops are removed."""
    named: set[Path] = set()
    with publish_file(target) as draft, draft.open("wb") as file:
        for sample, crop in samples:
            path = _unused(crops.absolute() / sample.name, named)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(crop)
            named.add(path)
            file.write(msgspec.json.encode(jsonl_record(path, sample.text)) + b"\n")
    for path in crops.absolute().rglob("*.jpg"):
        if path not in named:
            path.unlink()


def _unused(path: Path, named: set[Path]) -> Path:
    """The path, or the next one that is free: one picture may have two labels, one stem two extensions."""
    others = (path.with_stem(f"{path.stem}_{number}") for number in itertools.count(2))
    return next(free for free in itertools.chain([path], others) if free not in named)


def jsonl_record(crop: Path, text: str) -> dict[str, list[dict[str, object]]]:
    """One line of the JSONL: a picture, the prompt and the answer."""
    return {
        "image_info": [{"matched_text_index": 0, "image_url": str(crop)}],
        "text_info": [{"text": "OCR:", "tag": "mask"}, {"text": text, "tag": "no_mask"}],
    }
