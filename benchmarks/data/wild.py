"""Reading a large Text in the wild document against ``json.load`` of it.

python -m benchmarks.data.wild [MEGABYTES] [ROUNDS] [FOLDER]
"""

from __future__ import annotations

import json
import random
import sys
from functools import partial
from pathlib import Path

from benchmarks.data.memory import peak
from benchmarks.measuring import compare, kept_and_scratch, report
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.datasets.json_stream import stream_arrays
from ocr_pipeline.data.datasets.text_in_wild import WildAnnotation, WildImage
from ocr_pipeline.data.merged_json import read_pages

_SYLLABLES = [chr(0xAC00 + 28 * number) for number in range(399)]


def main(megabytes: int = 500, rounds: int = 3, folder: str = "") -> None:
    """Measure and report."""
    with kept_and_scratch(folder) as (kept, _):
        path = kept / f"wild-{megabytes}.json"
        if not path.exists():
            write_document(path, megabytes << 20)
        variants = {
            "json.load": partial(whole, path),
            "json.load, words joined to pages": partial(whole_and_joined, path),
            "records, streamed": partial(records, path),
            "pages, streamed and joined": partial(pages, path),
        }
        for name, work in variants.items():
            sys.stdout.write(f"  {name}: {peak(work)} MB at most\n")
        peer, joined, streamed, ours = variants
        bars = {streamed: (peer, 5.0), ours: (joined, 5.0)}
        report(f"a Text in the wild document of {megabytes} MB", compare(variants, rounds), "bytes", bars)


def whole(path: Path) -> int:
    """All of it as Python objects."""
    with path.open(encoding="utf-8") as file:
        json.load(file)
    return path.stat().st_size


def whole_and_joined(path: Path) -> int:
    """What a hand-written reader does: the words of each picture, without characters."""
    with path.open(encoding="utf-8") as file:
        document = json.load(file)
    words: dict[str, list[tuple[str, list[int]]]] = {image["id"]: [] for image in document["images"]}
    for annotation in document["annotations"]:
        if annotation["attributes"]["class"] != "character":
            words[annotation["image_id"]].append((annotation["text"], annotation["bbox"]))
    return path.stat().st_size


def records(path: Path) -> int:
    """Every image and annotation once."""
    with path.open("rb", buffering=0) as file:
        pieces = iter(partial(file.read, 1 << 20), b"")
        for _ in stream_arrays(pieces, {"images": WildImage, "annotations": WildAnnotation}):
            pass
    return path.stat().st_size


def pages(path: Path) -> int:
    """Every page with its checked words."""
    for _ in read_pages(path, source_partition("text_in_wild")):
        pass
    return path.stat().st_size


def write_document(path: Path, size: int) -> None:
    """Four words of three characters on average to a picture; in a hundred, one word is ignored."""
    chance = random.Random(5)
    images, annotations, held = [], [], 0
    while held < size:
        image = f"{len(images):08d}"
        name = f"{chance.getrandbits(128):032X}.jpg"
        images.append({"id": image, "width": 1920, "height": 1440, "file_name": name, "type": "book"})
        lines = [line for _ in range(chance.randint(3, 11)) for line in _word(chance, image)]
        annotations += lines
        held += 120 + sum(len(line) * 1.15 for line in lines)
    with path.open("w", encoding="utf-8") as file:
        info = json.dumps({"name": "Text in the wild Dataset"})
        file.write(f'{{"info": {info}, "images": {json.dumps(images)}, "annotations": [')
        file.write(", ".join(annotations))
        file.write('], "licenses": []}')


def _word(chance: random.Random, image: str) -> list[str]:
    text = "".join(chance.choices(_SYLLABLES, k=chance.randint(1, 5)))
    left, top = chance.randrange(1800), chance.randrange(1400)
    if chance.random() < 0.01:
        return [_annotation(image, None, [left, top, 60, 40], "ignored")]
    letters = [
        _annotation(image, letter, [left + 20 * place, top, 20, 40], "character") for place, letter in enumerate(text)
    ]
    return [_annotation(image, text, [left, top, 20 * len(text), 40], "word"), *letters]


def _annotation(image: str, text: str | None, box: list[int], kind: str) -> str:
    record = {"id": "00012345", "image_id": image, "text": text, "attributes": {"class": kind}, "bbox": box}
    return json.dumps(record, ensure_ascii=False)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
