"""Tiny shares made by hand: a few pictures and labels in the layouts of the five sets."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

HANDWRITING = "053.대용량 손글씨 OCR 데이터/01.데이터"
HAND_LABELS = f"{HANDWRITING}/1.Training/라벨링데이터/TL/라벨/HW-OCR/4.Validation/P.Paper"
HAND_PICTURES = f"{HANDWRITING}/1.Training/원천데이터/TS5/HW-OCR/4.Validation/P.Paper"
FINANCE = "025.OCR 데이터(금융 및 물류)/01-1.정식개방데이터/Training"
ADMIN = "공공행정문서 OCR"
WILD = "13.한국어글자체/04. Text in the wild_230209_add"
WILD_LABEL = f"{WILD}/textinthewild_data_info.json"

Content = bytes | dict[str, Any]


def pixels(width: int = 60, height: int = 40, seed: int = 0) -> np.ndarray:
    """A picture in which no two places look alike."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height))


def picture(extension: str = ".png", width: int = 60, height: int = 40, seed: int = 0) -> bytes:
    return cv2.imencode(extension, pixels(width, height, seed))[1].tobytes()


def corners(left: float, top: float, right: float, bottom: float) -> dict[str, list[float]]:
    """A box as AI-Hub writes it: top left, bottom left, top right, bottom right."""
    return {"x": [left, left, right, right], "y": [top, bottom, top, bottom]}


def corner_label(*texts: str | None, width: int = 60, height: int = 40, kind: str = "png") -> dict[str, Any]:
    """A label of the handwriting, finance and public sets: one 16x10 box per text, side by side."""
    boxes = [
        {"data": text, "id": place + 1, **corners(2 + 18 * place, 4, 18 + 18 * place, 14)}
        for place, text in enumerate(texts)
    ]
    return {"Images": {"identifier": "-", "type": kind, "width": width, "height": height}, "bbox": boxes}


def admin_label(name: str, *texts: str) -> dict[str, Any]:
    annotations = [
        {"id": 1, "annotation.text": text, "annotation.bbox": [2 + 18 * place, 4, 16, 10]}
        for place, text in enumerate(texts)
    ]
    image = {"image.file.name": name, "image.width": 60, "image.height": 40}
    return {"images": [image], "annotations": annotations}


def wild_label(images: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> dict[str, Any]:
    return {"info": {"name": "Text in the wild Dataset"}, "images": images, "annotations": annotations, "licenses": []}


def wild_image(number: str, name: str) -> dict[str, Any]:
    return {"id": number, "width": 60, "height": 40, "file_name": name, "type": "book"}


def wild_word(image: str, text: str | None, box: list[int], kind: str = "word") -> dict[str, Any]:
    return {"id": "1", "image_id": image, "text": text, "bbox": box, "attributes": {"class": kind}}


def encode(content: Content) -> bytes:
    return content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()


def write_tree(root: Path, files: Mapping[str, Content], form: str = "NFC") -> Path:
    """Write files by their path below ``root``, with the names in the given Unicode form."""
    for path, content in files.items():
        target = root / unicodedata.normalize(form, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(encode(content))
    return root


def hand_tree(count: int = 3, folders: int = 1) -> dict[str, Content]:
    """Sound handwriting pages of two words each, spread over some folders."""
    files: dict[str, Content] = {}
    for number in range(count):
        folder, stem = f"R.Free{number % folders}", f"IMG_OCR_53_4PR_{number:05d}"
        files[f"{HAND_LABELS}/{folder}/{stem}.json"] = corner_label("가나", f"글{number}")
        files[f"{HAND_PICTURES}/{folder}/{stem}.png"] = picture(seed=number)
    return files


def contents(root: Path) -> dict[str, bytes]:
    """All files below a folder, by their relative path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
