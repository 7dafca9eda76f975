"""Reading a folder of crops into a CSV file, with any recognizer."""

from __future__ import annotations

import csv
import io
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from ocr_pipeline.parallel import in_order
from ocr_pipeline.progress import Progress
from ocr_pipeline.recognition.images import decode_rgb
from ocr_pipeline.recognition.interface import TextRecognizer
from ocr_pipeline.shown import visible, write_csv
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.files.pictures import say_of_more_pages
from ocr_pipeline.storage.files.publishing import mendable, publish_file
from ocr_pipeline.storage.files.typed_paths import begins_with, claim, demand_no_folder
from ocr_pipeline.storage.files.walking import state_of

logger = logging.getLogger(__name__)

COLUMNS = ("filename", "text", "confidence", "error")
WINDOW = 16  # batches that are sorted by width together


class Row(NamedTuple):
    """One line of the CSV; text and confidence are empty where there is an error."""

    filename: str
    text: str = ""
    confidence: str = ""
    error: str = ""


@dataclass(frozen=True)
class Predictions:
    """What became of pictures: how many there are, how many could not be read, and the CSV."""

    images: int
    errors: int
    output_csv: Path


def recognize_pictures(
    recognizer: TextRecognizer,
    paths: Sequence[Path],
    output_csv: str | Path,
    *,
    batch_size: int = 16,
    overwrite: bool = False,
) -> Predictions:
    """Read pictures into a CSV file, in their order.

    The file is UTF-8 with a byte order mark, has the columns ``filename,text,confidence,error``, which `read_csv`
    reads (what a spreadsheet would compute has an apostrophe before it), and appears when it is complete. Until then
    its lines collect in a hidden file beside it, from which a killed run goes on. A picture that cannot be read has its
    reason in ``error``; whether that is a failure is the caller's to decide.

    Args:
        batch_size: pictures that are read at once; changes the speed only.
        overwrite: replace a file that is no such table.

    Raises:
        PipelineError: the CSV is one of the pictures, or a folder or another file stands there.
    """
    output = Path(output_csv)
    demand_no_folder(output, "Name the table, such as read.csv in it.")
    claim(output, inputs=paths, overwrite=overwrite, is_own=begins_with(",".join(COLUMNS)))
    part = _Part(output, _fingerprint(paths, recognizer))
    progress = Progress("reading pictures", "pictures", len(paths))
    progress.advance(len(part.rows))
    for start in range(len(part.rows), len(paths), batch_size * WINDOW):
        window = paths[start : start + batch_size * WINDOW]
        part.write(_read(window, recognizer, batch_size))
        progress.advance(len(window))
    part.publish()
    errors = sum(bool(row.error) for row in part.rows)
    if errors:
        logger.warning("%d of %d pictures could not be read; see the error column", errors, len(paths))
    return Predictions(len(part.rows), errors, output)


def _read(paths: Sequence[Path], recognizer: TextRecognizer, batch_size: int) -> list[Row]:
    """Rows of a window of pictures, in their order; those of like widths are read together, for they end together."""
    rows: dict[Path, Row] = {}
    with ThreadPoolExecutor() as pool:
        ratios = dict(zip(paths, pool.map(_ratio, paths), strict=True))
        by_ratio = ((path, path) for path in sorted(paths, key=ratios.__getitem__))
        decoded = in_order(pool, _decode, by_ratio, ahead=2 * batch_size)
        while batch := dict(islice(decoded, batch_size)):
            rows |= _batch_rows(batch, recognizer)
    return [rows[path] for path in paths]


def _batch_rows(batch: Mapping[Path, np.ndarray | str], recognizer: TextRecognizer) -> Iterator[tuple[Path, Row]]:
    crops = {path: crop for path, crop in batch.items() if not isinstance(crop, str)}
    yield from ((path, Row(visible(str(path)), error=fault)) for path, fault in batch.items() if isinstance(fault, str))
    for path, reading in zip(crops, recognizer.read_crops(list(crops.values())), strict=True):
        yield path, Row(visible(str(path)), reading.text, f"{reading.confidence:.4f}")


def _ratio(path: Path) -> float:
    """Width over height, as the head of the file has it; 0 where there is none, which decoding will tell."""
    try:
        with Image.open(path) as picture:
            return picture.width / picture.height
    except (OSError, ValueError, Image.DecompressionBombError):
        return 0.0


def _decode(path: Path) -> np.ndarray | str:
    """The picture, uint8 [H, W, 3] RGB, or why it cannot be read."""
    try:
        data = path.read_bytes()
        say_of_more_pages(data, path)
        return decode_rgb(data)
    except (OSError, ValueError) as error:
        return " ".join(str(getattr(error, "strerror", None) or error).split())


def _fingerprint(paths: Sequence[Path], recognizer: TextRecognizer) -> str:
    """What the lines of an unfinished run depend on: pictures, and who reads them."""
    return fingerprint_of([recognizer.fingerprint, *map(state_of, paths)])


class _Part:
    """The lines of a CSV that is not complete yet; whole windows are appended and synced, a torn line is dropped."""

    def __init__(self, output: Path, fingerprint: str) -> None:
        self.output = output
        self.path = output.with_name(f".{output.name}.{fingerprint}.part")
        whole, _, _ = (self.path.read_bytes() if self.path.exists() else b"").rpartition(b"\n")
        self.rows = [Row(*line) for line in csv.reader(io.StringIO(whole.decode()))]
        with mendable(self.path):
            output.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(whole + b"\n" if whole else b"")

    def write(self, rows: list[Row]) -> None:
        with mendable(self.path), self.path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
            file.flush()
            os.fsync(file.fileno())
        self.rows += rows

    def publish(self) -> None:
        with publish_file(self.output) as draft, draft.open("w", encoding="utf-8-sig", newline="") as file:
            write_csv(file, [COLUMNS, *self.rows])
        self.path.unlink()
