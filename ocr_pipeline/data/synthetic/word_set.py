"""Drawn words as a recognition LMDB like those of the annotations: a data set of any size, with no share behind it.

Word n depends on the settings and on n alone, so any number of workers, and a run after a kill, give the same bytes.
Its manifest names every face with fingerprint and licence.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import msgspec
import simplejpeg

from ocr_pipeline.data.synthetic.crops import CropDrawing
from ocr_pipeline.data.synthetic.faces import Face, judging_faces, korean_faces, training_faces
from ocr_pipeline.data.synthetic.settings import WordSetSettings, drawn_from
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.parallel import in_order, worker_processes
from ocr_pipeline.storage.artifacts.manifest import Manifest
from ocr_pipeline.storage.artifacts.publication import Publication, publication
from ocr_pipeline.storage.artifacts.renewal import ANYHOW
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.files.lmdb_files import LmdbWriter
from ocr_pipeline.storage.files.typed_paths import claim

CODE_VERSION = "1"
SHARE = 250  # words that a worker draws at a time
AHEAD = 8  # such shares under way
QUALITY = 95  # of the JPEG


def draw_words(output: Path, settings: WordSetSettings, *, workers: int = 1, rebuild: bool = False) -> Manifest:
    """Publish ``output``, an LMDB folder of drawn words; nothing is done where it is current.

    Raises:
        PipelineError: no face of the wanted kind is there, or the output cannot be written or is something else.
    """
    corpus = [settings.corpus] if settings.corpus else []
    claim(output, inputs=corpus, is_own=lambda path: (path / "data.mdb").is_file())
    faces = _faces(settings)
    with publication(
        output,
        stage="synthetic",
        partition=output.stem,
        code_version=CODE_VERSION,
        settings=settings.recorded(),
        inputs=drawn_from(faces, settings.corpus),
        renewal=ANYHOW.also(rebuild),
        has_quarantine=False,
    ) as made:
        if made.current is None:
            _make(made, settings, workers)
    return made.manifest


def _faces(settings: WordSetSettings) -> tuple[Face, ...]:
    faces = (judging_faces if settings.held_out else training_faces)(korean_faces())
    if not faces:
        raise PipelineError(
            "none of the held-out typefaces is there",
            where="fc-list :lang=ko",
            remedy="make fonts installs them, as root.",
        )
    return faces


def _make(made: Publication, settings: WordSetSettings, workers: int) -> None:
    parts = []
    with made.folder() as draft, LmdbWriter(draft) as writer, worker_processes(workers) as executor:
        shares = ((first, first) for first in range(0, settings.words, SHARE))
        for first, drawn in in_order(executor, partial(_drawn, settings), shares, AHEAD):
            parts.append(fingerprint_of(part for picture, text, _ in drawn for part in (picture, text)))
            for number, (picture, text, origin) in enumerate(drawn, start=first + 1):
                image, label, meta = (part % number for part in (b"image-%09d", b"label-%09d", b"meta-%09d"))
                writer.put_all([(image, picture), (label, text.encode()), (meta, origin)])
        writer.put("num-samples", str(settings.words).encode())
    made.counts.words_in = made.counts.words_out = settings.words
    made.fingerprint = fingerprint_of(parts)


def _drawn(settings: WordSetSettings, first: int) -> list[tuple[bytes, str, bytes]]:
    """A share of the words from number ``first`` on: JPEG, text, and where the word comes from."""
    return list(_words(_drawing(settings), range(first, min(first + SHARE, settings.words))))


def _words(drawing: CropDrawing, numbers: range) -> Iterator[tuple[bytes, str, bytes]]:
    for number in numbers:
        crop = drawing.crop(number)
        height, width = crop.pixels.shape[:2]
        origin = {"source": crop.face, "image": f"{drawing.seed}/{number}", "word": 0, "box": (0, 0, width, height)}
        yield simplejpeg.encode_jpeg(crop.pixels, QUALITY), crop.text, msgspec.json.encode(origin)


@cache
def _drawing(settings: WordSetSettings) -> CropDrawing:
    return settings.drawing(_faces(settings), settings.seed)
