"""Word crops of the earlier scripts: recognition LMDBs, however they count, and JSONL files with their pictures."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import msgspec

from ocr_pipeline.data.adoption.candidates import Candidate
from ocr_pipeline.data.annotations import CropLine, stored_crops
from ocr_pipeline.data.datasets.doubled_keys import demand_one_value_each
from ocr_pipeline.page import Quarantined, nfc, word_state
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.artifacts.publication import Publication
from ocr_pipeline.storage.files.lmdb_files import LmdbWriter
from ocr_pipeline.storage.files.pictures import decode_picture

_BATCH = 256


class SampleError(ValueError):
    """Why one sample is not taken over.

    Attributes:
        reason: for the counts.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class Raw:
    """One sample as it lies in the earlier file.

    Attributes:
        number: key number or line number.
        image: encoded picture, or None where it is not there.
        text: the label's bytes, or None.
        line: the line of a JSONL, as it is written anew.
        fault: why it cannot be read at all.
    """

    number: int
    image: bytes | None
    text: bytes | None
    line: CropLine | None = None
    fault: str = ""


def adopt_lmdb(candidate: Candidate, made: Publication) -> None:
    """Rewrite a recognition LMDB as this project's: counted from 1, without the samples that are missing or damaged.

    Raises:
        PipelineError: it holds no recognition data, or the output cannot be written.
    """
    taking, digest = _Taking(candidate, made), hashlib.sha256()
    number = 0
    with made.folder() as draft, LmdbWriter(draft) as writer:
        for number, (raw, text) in enumerate(taking.sound(_lmdb_samples(candidate.path)), start=1):
            assert raw.image is not None and raw.text is not None
            written = raw.text.decode()
            meta = {
                "adopted": f"{candidate.path.name}#{raw.number}",
                **({"raw": written} if nfc(written) != written else {}),
            }
            writer.put(f"image-{number:09d}", raw.image)
            writer.put(f"label-{number:09d}", text.encode())
            writer.put(f"meta-{number:09d}", msgspec.json.encode(meta))
            digest.update(raw.image + text.encode())
        writer.put("num-samples", str(number).encode())
    made.fingerprint = digest.hexdigest()[:24]


def adopt_jsonl(candidate: Candidate, made: Publication) -> None:
    """Copy the lines whose pictures are there; the pictures stay where they are.

    A picture that is not at its path is looked for in the ``crops`` folder beside the JSONL, for folders that moved.

    Raises:
        PipelineError: the output cannot be written.
    """
    taking, digest = _Taking(candidate, made), hashlib.sha256()
    with made.file() as draft, draft.open("wb") as file:
        for raw, _ in taking.sound(_jsonl_samples(candidate.path)):
            line = msgspec.json.encode(raw.line) + b"\n"
            file.write(line)
            digest.update(line)
    made.fingerprint = digest.hexdigest()[:24]


class _Taking:
    """Checks samples, a batch at a time, and keeps the books."""

    def __init__(self, candidate: Candidate, made: Publication) -> None:
        self._candidate, self._made = candidate, made

    def sound(self, samples: Iterable[Raw | Callable[[], Raw]]) -> Iterator[tuple[Raw, str]]:
        """The samples that can be used, in their order, each with its text (NFC, without surrounding blanks)."""
        progress, samples = Progress(f"adopt {self._candidate.path.name}", "crops"), iter(samples)
        with ThreadPoolExecutor() as executor:
            while batch := list(islice(samples, _BATCH)):
                for raw, result in executor.map(_checked, batch):
                    self._made.counts.words_in += 1
                    if isinstance(result, SampleError):
                        self._set_aside(raw, result)
                    else:
                        self._made.counts.words_out += 1
                        yield raw, result
                progress.advance(len(batch))

    def _set_aside(self, raw: Raw, why: SampleError) -> None:
        place = f"{self._candidate.path.name}#{raw.number}"
        text = (raw.text or b"").decode("utf-8", "replace")
        name = self._candidate.partition.dataset.name
        self._made.set_aside(
            Quarantined("word", why.reason, name, self._candidate.split, image=place, detail=str(why), raw=text)
        )


def _checked(sample: Raw | Callable[[], Raw]) -> tuple[Raw, str | SampleError]:
    raw = sample if isinstance(sample, Raw) else sample()
    try:
        return raw, _text(raw)
    except SampleError as error:
        return raw, error


def _text(raw: Raw) -> str:
    if raw.fault:
        raise SampleError("line_unreadable", raw.fault)
    if raw.image is None or raw.text is None:
        raise SampleError("sample_missing", "the picture is not there" if raw.image is None else "there is no label")
    try:
        text = nfc(raw.text.decode()).strip()
    except UnicodeDecodeError as error:
        raise SampleError("label_unreadable", str(error)) from error
    if word_state(text) == "ignore":
        raise SampleError("word_ignored", "the label gives no legible text")
    try:
        decode_picture(raw.image)
    except ValueError as error:
        raise SampleError("image_unreadable", str(error)) from error
    return text


def _lmdb_samples(folder: Path) -> Iterator[Raw]:
    stored = stored_crops(folder)
    for start in range(0, len(stored.numbers), _BATCH):
        samples = stored.get(stored.numbers[start : start + _BATCH])
        yield from (Raw(number, image, label) for number, image, label, _ in samples)


def _jsonl_samples(file: Path) -> Iterator[Callable[[], Raw]]:
    """Each line as work for a thread: its picture is a file of its own."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.isspace():
                yield partial(_jsonl_sample, file, number, line)


def _jsonl_sample(file: Path, number: int, data: bytes) -> Raw:
    try:
        line = CropLine.parse(data)
        demand_one_value_each(data)
    except ValueError as error:
        return Raw(number, None, data, fault=str(error))
    path, text = _picture(file, line.url), line.text.encode()
    if path is None:
        return Raw(number, None, text)
    for part in line.answers:
        part["text"] = nfc(str(part["text"]))
    line.image_info[0]["image_url"] = str(path)
    return Raw(number, path.read_bytes(), text, line)


def _picture(file: Path, url: str) -> Path | None:
    path = file.parent.absolute() / url
    moved = file.parent.absolute() / "crops" / url.rpartition("/crops/")[2]
    return next((place for place in (path, moved) if os.path.isfile(place)), None)  # noqa: PTH113
