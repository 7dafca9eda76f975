"""Recognition data as it is stored, whoever wrote it: the keys of an LMDB, the lines of a JSONL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.lmdb_files import LmdbReader
from ocr_pipeline.storage.files.lmdb_parts import Part, PartReaders, read_parts

_KEYS = (("image", "label"), ("wimg", "wlab"))


class StoredCrop(NamedTuple):
    """What one number of an LMDB holds: encoded picture, label in UTF-8, meta in JSON; None for what is not there."""

    number: int
    image: bytes | None
    label: bytes | None
    meta: bytes | None


class StoredCrops:
    """A recognition LMDB: counted from 1, or from 0 as the guide's own step wrote it; ``image-`` or ``wimg-%09d``.

    Attributes:
        numbers: of its samples.

    Raises:
        PipelineError: there is no such LMDB, or it holds no recognition data.
    """

    def __init__(self, folder: Path) -> None:
        self.lmdb = LmdbReader(folder)
        count = self.lmdb.get("num-samples")
        found = next(self._firsts(), None)
        if any(self.lmdb.get_many(("gt-000000000", "gt-000000001"))):
            raise PipelineError(
                "this is a layout LMDB (step 5, for the detector), and a recognizer reads word crops",
                where=folder,
                remedy="Give a *_annotations_*.lmdb or .jsonl of step 4 (`ocr-pipeline annotations`).",
            )
        if count is None or not count.strip().isdigit() or (found is None and int(count)):
            raise PipelineError(
                "the LMDB holds no word crops (num-samples, image-%09d and label-%09d are needed)",
                where=folder,
                remedy="Give an LMDB made by `ocr-pipeline annotations`, or by a tool that writes such keys.",
            )
        (self._image, self._label), first = found or (_KEYS[0], 1)
        self.numbers = range(first, first + int(count))

    def get(self, numbers: Iterable[int]) -> list[StoredCrop]:
        """The samples of these numbers."""
        numbers = list(numbers)
        parts = (self._image, self._label, "meta")
        found = self.lmdb.get_many(f"{part}-{number:09d}" for number in numbers for part in parts)
        return [StoredCrop(*sample) for sample in zip(numbers, found[::3], found[1::3], found[2::3], strict=True)]

    def label(self, number: int) -> bytes | None:
        """Only the label of a number, without touching the picture."""
        return self.lmdb.get(f"{self._label}-{number:09d}")

    def _firsts(self) -> Iterator[tuple[tuple[str, str], int]]:
        for keys in _KEYS:
            for first in (0, 1):
                if any(self.lmdb.get_many(f"{key}-{first:09d}" for key in keys)):
                    yield keys, first


class PartedCrops:
    """The same of an LMDB in parts, counted through from 1.

    Raises:
        PipelineError: a part is not there, or damaged.
    """

    def __init__(self, folder: Path, parts: Sequence[Part]) -> None:
        self._parts = PartReaders(folder, parts, StoredCrops)
        self._parts.reader(0)
        self.numbers = range(1, 1 + len(self._parts))

    def get(self, numbers: Iterable[int]) -> list[StoredCrop]:
        """The samples of these numbers."""
        return [part.get([own])[0]._replace(number=asked) for asked, (part, own) in map(self._found, numbers)]

    def label(self, number: int) -> bytes | None:
        """Only the label of a number, without touching the picture."""
        _, (part, own) = self._found(number)
        return part.label(own)

    def _found(self, number: int) -> tuple[int, tuple[StoredCrops, int]]:
        part, index = self._parts.holder(number - 1)
        return number, (part, part.numbers[index])


def stored_crops(folder: Path) -> StoredCrops | PartedCrops:
    """A recognition LMDB, be it one file or in parts; as `StoredCrops`."""
    parts = read_parts(folder)
    return PartedCrops(folder, parts) if parts else StoredCrops(folder)


class CropLine(msgspec.Struct):
    """One line of a JSONL; what else a program wrote about the picture is kept.

    Attributes:
        image_info: the crop first: ``image_url``, and ``window`` where the crop holds more than the word.
        text_info: the parts of prompt and answer; the answer's have the tag ``no_mask``.
    """

    image_info: list[dict[str, object]]
    text_info: list[dict[str, object]]

    @classmethod
    def parse(cls, data: bytes) -> CropLine:
        """A line of a JSONL.

        Raises:
            ValueError: it is none, or names no picture and text.
        """
        try:
            line = msgspec.json.decode(data, type=cls)
            _ = line.image_info[0]["image_url"], [part["text"] for part in line.answers]
        except (msgspec.DecodeError, LookupError) as error:
            raise ValueError(f"it names no picture and text ({error!r})") from error
        return line

    @property
    def url(self) -> str:
        """Path of the picture, absolute or relative to the JSONL's folder."""
        return str(self.image_info[0]["image_url"])

    @property
    def answers(self) -> list[dict[str, object]]:
        """The parts that are the transcription."""
        return [part for part in self.text_info if part.get("tag") == "no_mask"]

    @property
    def text(self) -> str:
        """The transcription as it is written."""
        return "".join(str(part["text"]) for part in self.answers)
