"""Made-up label files of the public administration set, about 100 words and 26 kB each, without pictures.

python -m benchmarks.data.labels FILES FOLDER
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from pathlib import Path

FOLDER = "공공행정문서 OCR/Training/[라벨]train/01.라벨링데이터(Json)"
_SYLLABLES = [chr(0xAC00 + 28 * number) for number in range(399)]


def write_labels(root: Path, count: int, per_folder: int = 1000) -> Path:
    """Write ``count`` label files, those that are not there yet; the same numbers give the same bytes."""
    for first in range(0, count, per_folder):
        folder = root / FOLDER / f"{first // per_folder:04d}"
        if folder.exists():
            continue
        draft = folder.with_name(f".{folder.name}")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for number in range(first, min(count, first + per_folder)):
            stem = f"5350109-2001-0001-{number:06d}"
            (draft / f"{stem}.json").write_bytes(_label(stem, random.Random(number)))
        draft.rename(folder)
    return root


def _label(stem: str, chance: random.Random) -> bytes:
    image = {
        "image.make.code": "5350109",
        "image.make.year": "2001",
        "image.category": "인.허가",
        "image.width": 1654,
        "image.height": 2339,
        "image.file.name": f"{stem}.jpg",
        "image.create.time": "2021-08-01",
    }
    annotations = [
        {
            "id": number + 1,
            "annotation.type": "rectangle",
            "annotation.text": "".join(chance.choices(_SYLLABLES, k=1 + number % 6)),
            "annotation.ttype": "textType1",
            "annotation.bbox": [chance.randrange(1500), chance.randrange(2300), 20 + number, 30],
        }
        for number in range(chance.randint(80, 120))
    ]
    return json.dumps({"images": [image], "annotations": annotations}, ensure_ascii=False, indent=2).encode()


if __name__ == "__main__":
    write_labels(Path(sys.argv[2]) / f"labels-{sys.argv[1]}", int(sys.argv[1]))
