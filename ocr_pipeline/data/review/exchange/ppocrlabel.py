"""The folder form of PPOCRLabel 3: pictures, ``Label.txt`` and ``fileState.txt``; each picture is one crop.

PPOCRLabel writes only pictures that are checked and still have a box, so all are shipped as checked. A picture that is
missing when the folder comes back was emptied or unchecked: it is named. PPOCRLabel reads its file by ``eval`` after it
replaced true, false and null in it, texts included: where a text comes back that such a replacement makes of what was
there, nothing was decided. A new text with such a word comes back altered once the folder was opened again; nobody can
tell that from what was typed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from ocr_pipeline.data.review.exchange.exported import Decided, Exported, with_crops
from ocr_pipeline.data.review.pictures import Pictures
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import nfc
from ocr_pipeline.storage.files.jpeg_files import jpeg_size

LABELS, STATES = "Label.txt", "fileState.txt"
_NOT_READ = "待识别"  # what PPOCRLabel puts where it did not recognize yet
_REPLACED = (("true", "True"), ("false", "False"), ("null", "None"))


class _Box(msgspec.Struct):
    transcription: str
    points: list[tuple[float, float]] = []
    difficult: bool = False


def write_folder(folder: Path, exported: Exported, pictures: Pictures) -> None:
    """Write crops, labels and states; the label is what the word is labelled, so that only changes are decisions."""
    with (
        (folder / LABELS).open("w", encoding="utf-8") as labels,
        (folder / STATES).open("w", encoding="utf-8") as states,
    ):
        for key, suspect, crop in with_crops(exported, pictures):
            if not crop:
                continue
            (folder / f"{key}.jpg").write_bytes(crop)
            box = _Box(suspect.text, _whole(crop))
            labels.write(f"{exported.folder}/{key}.jpg\t{msgspec.json.encode([box]).decode()}\n")
            states.write(f"{exported.folder}/{key}.jpg\t1\n")


def _whole(crop: bytes) -> list[tuple[float, float]]:
    width, height = jpeg_size(crop) or (1, 1)
    return [(0, 0), (width, 0), (width, height), (0, height)]


def read_folder(folder: Path, exported: Exported) -> Iterator[tuple[str, Decided | str]]:
    """Key and decision of each picture, or why it cannot be understood.

    Raises:
        PipelineError: it is no such folder.
    """
    seen = set()
    for key, boxes in _lines(folder):
        seen.add(key)
        suspect = exported.find(key)
        yield key, _decided(boxes, suspect.text if suspect else "")
    for place, _ in enumerate(exported.suspects):
        key = exported.key(place)
        if key not in seen and (folder / f"{key}.jpg").exists():
            yield key, f"{LABELS} does not hold it any more: its box was deleted, or it was unchecked"


def _lines(folder: Path) -> Iterator[tuple[str, list[_Box]]]:
    try:
        lines = (folder / LABELS).read_text(encoding="utf-8-sig").split("\n")  # a text may hold U+2028
        for line in filter(None, lines):
            name, _, boxes = line.partition("\t")
            yield Path(name).stem, msgspec.json.decode(boxes, type=list[_Box])
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise PipelineError(
            f"the labels of PPOCRLabel cannot be read ({error})",
            where=folder / LABELS,
            remedy="Give the folder as PPOCRLabel saved it.",
        ) from error


def _decided(boxes: list[_Box], before: str) -> Decided | str:
    if len(boxes) != 1:
        return f"it has {len(boxes)} boxes, and one word is asked for"
    text = nfc(boxes[0].transcription)
    if boxes[0].difficult:
        return Decided("ignore")
    if text in (nfc(before), nfc(_replaced(before))) or text == _NOT_READ:
        return Decided(None)
    return Decided("text", text)


def _replaced(text: str) -> str:
    for plain, python in _REPLACED:
        text = text.replace(plain, python)
    return text
