"""Recognition data in: word crops with their transcriptions, from an LMDB folder or a JSONL file."""

from __future__ import annotations

import array
import os
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

import msgspec
import numpy as np

from ocr_pipeline.data.annotations.stored import CropLine, stored_crops
from ocr_pipeline.data.geometry import Box
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import nfc
from ocr_pipeline.storage.files.lmdb_parts import head_of


class Crop(NamedTuple):
    """One word crop.

    Attributes:
        image: the encoded picture (JPEG, PNG, ...), exactly as stored.
        text: its transcription in NFC.
        source: where it comes from, for messages and reports.
        window: left, top, right, bottom of the word in the decoded picture, where that holds more than the word (crops
            that were taken out of a JPEG without encoding them again); None where all of it is the word.
    """

    image: bytes
    text: str
    source: str
    window: Box | None = None

    def cut(self, pixels: np.ndarray) -> np.ndarray:
        """The word within the decoded picture [height, width, ...]; a view, not a copy."""
        if self.window is None:
            return pixels
        left, top, right, bottom = self.window
        return pixels[top:bottom, left:right]


class CropReader:
    """Random access to the crops of one recognition data set.

    Nothing is read before it is asked for, an instance can be pickled and used in any number of worker processes, and
    the same path may be opened any number of times.

    Args:
        path: an LMDB folder (``image-%09d``, ``label-%09d``, ``num-samples``, optionally ``meta-%09d``; counted from 1,
            or from 0 as older files are) or a JSONL file (``image_info`` and ``text_info`` on each line; a relative
            ``image_url`` is relative to the file's folder).

    Raises:
        PipelineError: there is no such data at the path.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.is_file() and self.path.suffix != ".jsonl":
            raise PipelineError(
                "this is neither an LMDB nor a .jsonl of crops",
                where=self.path,
                remedy=f"Give the LMDB itself, which is the folder {self.path.parent}."
                if self.path == head_of(self.path.parent)
                else "Give a *_annotations_*.lmdb or .jsonl of step 4 (`ocr-pipeline annotations`).",
            )
        self._crops: _Crops = _JsonlCrops(self.path) if self.path.is_file() else _LmdbCrops(self.path)

    def __len__(self) -> int:
        return self._crops.count

    def read(self, index: int) -> Crop:
        """The crop at ``index``, from 0.

        Raises:
            IndexError: there are not so many crops.
            PipelineError: the crop is damaged or its picture is gone.
        """
        return self._crops.read(self._checked(index))

    def text(self, index: int) -> str:
        """Only the transcription at ``index``, without touching the picture."""
        return self._crops.text(self._checked(index))

    def _checked(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise IndexError(f"crop {index} of {len(self)}")
        return index


class _Crops(Protocol):
    count: int

    def read(self, index: int) -> Crop: ...

    def text(self, index: int) -> str: ...


class _Meta(msgspec.Struct):
    window: Box | None = None


class _LmdbCrops:
    _decoder = msgspec.json.Decoder(_Meta)

    def __init__(self, folder: Path) -> None:
        self._folder, self._stored = folder, stored_crops(folder)
        self._numbers = self._stored.numbers
        self.count = len(self._numbers)

    def read(self, index: int) -> Crop:
        ((number, image, label, meta),) = self._stored.get([self._numbers[index]])
        if image is None or label is None:
            raise self._missing(number)
        window = None if meta is None else self._decoder.decode(meta).window
        return Crop(image, nfc(label.decode()), self._source(number, meta), window)

    def text(self, index: int) -> str:
        label = self._stored.label(self._numbers[index])
        if label is None:
            raise self._missing(self._numbers[index])
        return nfc(label.decode())

    def _source(self, number: int, meta: bytes | None) -> str:
        place = f"{self._folder}#{number}"
        return place if meta is None else f"{place} {meta.decode()}"

    def _missing(self, number: int) -> PipelineError:
        return PipelineError(
            f"sample {number} is not in the LMDB, though it says that it holds {self.count}",
            where=self._folder,
            remedy="The file is incomplete; make it again.",
        )


class _JsonlCrops:
    """Only where each line starts is kept in memory (8 bytes per crop)."""

    def __init__(self, file: Path) -> None:
        self._path = file
        self._file: BinaryIO | None = None
        self._starts = _line_starts(file)
        self.count = len(self._starts) - 1

    def read(self, index: int) -> Crop:
        line = self._line(index)
        path = self._path.parent / line.url
        try:
            image = path.read_bytes()
        except OSError as error:
            raise PipelineError(
                f"the crop of line {index + 1} cannot be read ({error.strerror})",
                where=path,
                remedy=f"Make {self._path.name} and its crops again, or restore the crops folder.",
            ) from error
        return Crop(image, nfc(line.text), str(path), self._window(index, line))

    def text(self, index: int) -> str:
        return nfc(self._line(index).text)

    def _line(self, index: int) -> CropLine:
        if self._file is None:
            self._file = self._path.open("rb")
        start, end = self._starts[index], self._starts[index + 1]
        data = os.pread(self._file.fileno(), end - start, start)  # has no position that forked workers could share
        try:
            return CropLine.parse(data)
        except ValueError as error:
            raise self._damaged(index, str(error)) from error

    def _window(self, index: int, line: CropLine) -> Box | None:
        try:
            return msgspec.convert(line.image_info[0].get("window"), Box | None)
        except msgspec.ValidationError as error:
            raise self._damaged(index, str(error)) from error

    def _damaged(self, index: int, why: str) -> PipelineError:
        return PipelineError(f"line {index + 1} is not a crop ({why})", where=self._path, remedy="Make the file again.")

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_file": None}


def _line_starts(file: Path) -> array.array[int]:
    """Byte offsets of all lines and of the end of the last; a blank line counts to the one after it."""
    starts, position = array.array("Q", [0]), 0
    with file.open("rb") as lines:
        for line in lines:
            position += len(line)
            if not line.isspace():
                starts.append(position)
    return starts
