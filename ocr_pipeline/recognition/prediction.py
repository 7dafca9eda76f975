"""Reading a folder of crops into a CSV file."""

from __future__ import annotations

import csv
import io
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.progress import Progress
from ocr_pipeline.recognition.dlora.recognizer import GREEDY, Decoding, Recognizer, load_recognizer
from ocr_pipeline.recognition.images import decode_rgb
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of
from ocr_pipeline.storage.files.publishing import publish_file

logger = logging.getLogger(__name__)

EXTENSIONS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp"})
COLUMNS = ("filename", "text", "confidence", "error")
WINDOW = 16  # batches that are sorted by width together


class Row(NamedTuple):
    """One line of the CSV; text and confidence are empty where there is an error."""

    filename: str
    text: str = ""
    confidence: str = ""
    error: str = ""


@dataclass(frozen=True)
class FolderPrediction:
    """What became of a folder: how many pictures were found, how many could not be read, and the CSV."""

    images: int
    errors: int
    output_csv: Path


def recognize_folder(
    images_dir: str | Path,
    output_csv: str | Path,
    *,
    base: str | Path,
    ckpt: str | Path | None = None,
    device: str = "auto",
    batch_size: int = 16,
    decoding: Decoding = GREEDY,
    precision: str = "auto",
) -> FolderPrediction:
    """Read every picture below ``images_dir`` (png, jpg, jpeg, bmp, webp; sorted by path) into a CSV file.

    The file is UTF-8 with a byte order mark, has the columns ``filename,text,confidence,error``, and appears when it is
    complete. Until then its lines collect in a hidden file beside it, from which a killed run goes on. A picture that
    cannot be read has its reason in ``error``; whether that is a failure is the caller's to decide.

    Args:
        ckpt: a DLoRA checkpoint, merged into ``base``; None reads with the base alone.
        batch_size: pictures per generation; changes the speed only.
        decoding: limits and beams (a syllable of ko-trocr is up to three tokens).
        precision: float32, bfloat16 or auto, see ``load_recognizer``.

    Raises:
        PipelineError: there are no pictures, or base or checkpoint cannot be loaded.
    """
    paths = _pictures(Path(images_dir))
    recognizer = load_recognizer(base, ckpt, device=device, decoding=decoding, precision=precision)
    output = Path(output_csv)
    part = _Part(output, _fingerprint(paths, base, ckpt, decoding, precision))
    progress = Progress("reading pictures", "pictures", len(paths))
    progress.advance(len(part.rows))
    with part:
        for start in range(len(part.rows), len(paths), batch_size * WINDOW):
            window = paths[start : start + batch_size * WINDOW]
            part.write(_read(window, recognizer, batch_size))
            progress.advance(len(window))
    part.publish()
    errors = sum(bool(row.error) for row in part.rows)
    if errors:
        logger.warning("%d of %d pictures could not be read; see the error column", errors, len(paths))
    return FolderPrediction(len(paths), errors, output)


def _pictures(folder: Path) -> list[Path]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file())
    if not paths:
        raise PipelineError(
            "there are no pictures here", where=folder, remedy=f"Give a folder with {', '.join(sorted(EXTENSIONS))}."
        )
    return paths


def _read(paths: Sequence[Path], recognizer: Recognizer, batch_size: int) -> list[Row]:
    """Rows of a window of pictures, in their order; those of like widths are read together, for they end together."""
    rows: dict[Path, Row] = {}
    crops: dict[Path, _Opened] = {}
    with ThreadPoolExecutor() as pool:
        for path, opened in zip(paths, pool.map(lambda path: _open(path, recognizer), paths), strict=True):
            if isinstance(opened, str):
                rows[path] = Row(str(path), error=opened)
            else:
                crops[path] = opened
    by_width = sorted(crops, key=lambda path: crops[path].ratio)
    for start in range(0, len(by_width), batch_size):
        batch = by_width[start : start + batch_size]
        readings = recognizer.read(np.stack([crops[path].pixels for path in batch]))
        for path, reading in zip(batch, readings, strict=True):
            rows[path] = Row(str(path), reading.text, f"{reading.confidence:.4f}")
    return [rows[path] for path in paths]


class _Opened(NamedTuple):
    """Pixels in the model's size, and width over height as it was."""

    pixels: np.ndarray
    ratio: float


def _open(path: Path, recognizer: Recognizer) -> _Opened | str:
    """The picture, or why it cannot be read."""
    try:
        rgb = decode_rgb(path.read_bytes())
    except (OSError, ValueError) as error:
        return " ".join(str(getattr(error, "strerror", None) or error).split())
    return _Opened(recognizer.images.resize(rgb), rgb.shape[1] / rgb.shape[0])


def _fingerprint(paths: Sequence[Path], base: str | Path, ckpt: str | Path | None, *settings: object) -> str:
    """What the lines of an unfinished run depend on: pictures, model and settings."""
    files = sorted(path for path in Path(ckpt).rglob("adapter_*") if path.is_file()) if ckpt else []
    stats = ((path, path.stat()) for path in paths)
    return fingerprint_of(
        [
            str(base),
            *(fingerprint_file(file) for file in files),
            *(str(value) for value in settings),
            *(f"{path}|{stat.st_size}|{stat.st_mtime_ns}" for path, stat in stats),
        ]
    )


class _Part:
    """The lines of a CSV that is not complete yet; whole windows are appended and synced, a torn line is dropped."""

    def __init__(self, output: Path, fingerprint: str) -> None:
        self.output = output
        self.path = output.with_name(f".{output.name}.{fingerprint}.part")
        output.parent.mkdir(parents=True, exist_ok=True)
        whole, _, _ = (self.path.read_bytes() if self.path.exists() else b"").rpartition(b"\n")
        self.rows = [Row(*line) for line in csv.reader(io.StringIO(whole.decode()))]
        self.path.write_bytes(whole + b"\n" if whole else b"")

    def __enter__(self) -> None:
        self._file = self.path.open("a", encoding="utf-8", newline="")

    def write(self, rows: list[Row]) -> None:
        csv.writer(self._file, lineterminator="\n").writerows(rows)
        self._file.flush()
        os.fsync(self._file.fileno())
        self.rows += rows

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def publish(self) -> None:
        with publish_file(self.output) as draft, draft.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(self.rows)
        self.path.unlink()
