"""Files and folders -> a folder of readings: streaming, each file published whole, resumed after a kill.

A file's record, its JSON, appears after everything else that is printed of it and names what it was read from and by
whom: where it stands, the file is done. Files are read in groups, a group's undone ones together with the others, so
that an interrupted run ends in the same bytes as one that was not.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, NoReturn

import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.parallel import Crew, Piece, in_order
from ocr_pipeline.progress import Progress
from ocr_pipeline.reading.forms import Form, Place, Printer, UnprintableError, chosen_forms
from ocr_pipeline.reading.input import MARKER, Document, open_document, readable_in
from ocr_pipeline.reading.pipeline import Answer, Request
from ocr_pipeline.reading.reader import Reader
from ocr_pipeline.reading.record import ReadDocument, ReadPage, decode_document
from ocr_pipeline.reading.settings import InputLimits, PageReading
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of
from ocr_pipeline.storage.files.locking import file_lock
from ocr_pipeline.storage.files.publishing import publish_text
from ocr_pipeline.storage.files.typed_paths import claim

logger = logging.getLogger(__name__)

CODE_VERSION = "2"
"""Of what is printed of a reading, and where."""
_AT_WORK = ".at_work"
"""Folder of the locks of those who read into a folder together."""
_GROUP = 16  # files


@dataclass
class Readings:
    """What became of files.

    Attributes:
        places: of the files that are read, in their order; errors: for each other file, by its path, why not.
        done: how many of them an earlier run had read; pages, words: of the others.
    """

    places: list[Place] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    done: int = 0
    pages: int = 0
    words: int = 0

    def add(self, others: Readings) -> None:
        """Count those of some more files in."""
        self.errors |= others.errors
        self.done += others.done
        self.pages += others.pages
        self.words += others.words

    def read_pages(self) -> Iterator[ReadPage]:
        """All pages of all files, from their records."""
        for place in self.places:
            yield from decode_document(place.record.read_bytes()).pages


def read_paths(
    reader: Reader,
    paths: Sequence[Path],
    output: Path,
    forms: Sequence[str] = ("txt",),
    *,
    overwrite: bool = False,
) -> Readings:
    """Read files, and all files of folders, into a folder; what an earlier run has done is not done again.

    Args:
        forms: names in `FORMS`; the record is printed in any case.
        overwrite: the output folder may hold what is not ours.

    Raises:
        PipelineError: there is nothing to read, no such form, two files would be printed to the same place, or the
            folder is somebody else's. A file that cannot be read is told in `Readings.errors`.
    """
    chosen, files = chosen_forms(forms), _begun(paths, output, overwrite=overwrite)
    return _gathered(_read(reader, files, output, chosen), files, output, chosen)


def spread_paths(
    settings: PageReading, crew: Crew, paths: Sequence[Path], output: Path, *, overwrite: bool = False
) -> Readings:
    """The same by a crew, each of whom opens both models and reads some files; they have to see all of them.

    Raises:
        PipelineError: as `read_paths` does, or a model cannot be used.
    """
    chosen, files = chosen_forms(settings.form), _begun(paths, output, overwrite=overwrite)
    readings, progress = Readings(), Progress(f"reading to {output}", "files", len(files))
    read = partial(_read_group, settings, output)
    with crew.hired() as executor:
        tasks = ((group, group) for group in _groups(files, _GROUP if executor else len(files)))
        with closing(in_order(executor, read, tasks, 2 * crew.size + 1)) as done:
            for group, part in done:
                readings.add(part)
                progress.advance(len(group))
    shutil.rmtree(output / _AT_WORK)
    return _gathered(readings, files, output, chosen)


def read_piece(settings: PageReading, paths: Sequence[Path], output: Path, piece: Piece) -> None:
    """Read a piece of the files, as far as they are not read, for who reads them all into the same folder.

    Raises:
        PipelineError: there is nothing to read, or a model cannot be used.
    """
    for group in piece.taken(_groups(_files(paths, output), _GROUP)):
        _read_group(settings, output, group)


def _groups(files: Sequence[_File], size: int) -> Iterator[Sequence[_File]]:
    return (files[start : start + size] for start in range(0, len(files), size))


def _begun(paths: Sequence[Path], output: Path, *, overwrite: bool) -> list[_File]:
    files = _files(paths, output, tell=True)
    claim(output, inputs=paths, overwrite=overwrite, is_own=lambda folder: (folder / MARKER).is_file())
    publish_text(output / MARKER, "made by ocr-pipeline read\n")
    return files


def _read(reader: Reader, files: Sequence[_File], output: Path, forms: Mapping[str, Form]) -> Readings:
    run = _Run(reader, forms, len(files), output)
    with closing(reader.read_pages(run.requests(files))) as answers:
        for file, pages in groupby(answers, key=lambda answer: answer.key.file):
            run.print(file, pages)
    return run.readings


def _read_group(settings: PageReading, output: Path, files: Sequence[_File]) -> Readings:
    """Whoever comes to the same group second waits, and finds it read."""
    with file_lock(output / _AT_WORK / fingerprint_of([os.fsencode(files[0].place.name)])):
        return _read(_opened_reader(settings), files, output, chosen_forms(settings.form))


@lru_cache(maxsize=1)
def _opened_reader(settings: PageReading) -> Reader:
    """The reader as a worker keeps it open."""
    return Reader.of(settings)


def _gathered(readings: Readings, files: Sequence[_File], output: Path, forms: Mapping[str, Form]) -> Readings:
    readings.places = [file.place for file in files if str(file.path) not in readings.errors]
    for form in forms.values():
        if form.gather:
            form.gather(output, readings.places)
    return readings


class _File(NamedTuple):
    """A file, and the fingerprint of what it holds: none before it is asked for, and where it cannot be opened."""

    path: Path
    place: Place
    source: str = ""


class _Page(NamedTuple):
    """A page that is read: of an open document, or of a file that cannot be opened or is done already."""

    file: _File
    document: Document | None = None


class _Run:
    """One pass over all files."""

    def __init__(self, reader: Reader, forms: Mapping[str, Form], files: int, output: Path) -> None:
        self.reader, self.forms, self.readings = reader, forms, Readings()
        self.fingerprint = fingerprint_of([CODE_VERSION, reader.fingerprint, *forms])
        self.progress = Progress(f"reading to {output}", "files", files)

    def requests(self, files: Sequence[_File]) -> Iterator[Request[_Page]]:
        """The pages of all groups of which a file is not done."""
        for number, start in enumerate(range(0, len(files), _GROUP)):
            group = [_told(file) for file in files[start : start + _GROUP]]
            undone = [file for file in group if not self._is_done(file)]
            self.readings.done += len(group) - len(undone)
            for file in group if undone else ():
                yield from self._pages(file, number, is_done=file not in undone)
            self.progress.advance(len(group) - len(undone))

    def print(self, file: _File, pages: Iterator[Answer[_Page]]) -> None:
        """Print a file whose pages come one by one, unless it was done."""
        printers: list[Printer] = []
        read: list[ReadPage] = []
        for (_, document), result in pages:
            if isinstance(result, PipelineError):
                return self._tell(file, result, pages)
            if document is None:
                continue
            try:
                printers = printers or self._printers(file.place, document)
                for printer in printers:
                    printer.add(*result)
            except UnprintableError as error:
                return self._tell(file, error, pages)
            read.append(result[1])
        if printers:
            self._publish(printers, ReadDocument(file.source, self.fingerprint, tuple(read)))

    def _printers(self, place: Place, document: Document) -> list[Printer]:
        place.record.unlink(missing_ok=True)
        return [form.printer(place, document) for form in self.forms.values()]

    def _publish(self, printers: Sequence[Printer], document: ReadDocument) -> None:
        for printer in printers:
            printer.publish(document)
        self.readings.pages += len(document.pages)
        self.readings.words += sum(1 for page in document.pages for _ in page.words)
        self.progress.advance()

    def _tell(self, file: _File, error: PipelineError, others: Iterator[Answer[_Page]]) -> None:
        """Why a file is not read; its other pages are let go."""
        deque(others, maxlen=0)
        logger.warning("%s", error)
        if file.place.is_nameable:
            file.place.record.unlink(missing_ok=True)
        self.readings.errors[str(file.path)] = error.what
        self.progress.advance()

    def _pages(self, file: _File, group: int, *, is_done: bool) -> Iterator[Request[_Page]]:
        try:
            document = _opened_document(file, self.reader.limits)
        except PipelineError as error:
            yield Request(_Page(file), partial(_refuse, error), group)
            return
        key = _Page(file, None if is_done else document)
        for number in range(1, document.pages + 1):
            yield Request(key, partial(document.load, number), group)

    def _is_done(self, file: _File) -> bool:
        if not file.place.is_nameable:
            return False
        try:
            head = msgspec.json.decode(file.place.record.read_bytes(), type=_Head)
        except (FileNotFoundError, msgspec.MsgspecError):
            return False
        return (head.source, head.reader) == (file.source, self.fingerprint)


class _Head(msgspec.Struct):
    """What a record says of itself; its pages are passed over."""

    source: str
    reader: str


def _files(paths: Sequence[Path], output: Path, *, tell: bool = False) -> list[_File]:
    files = [_File(path, Place(output, name)) for path, name in readable_in(paths, tell=tell)]
    twice = [place.name for place, count in Counter(file.place for file in files).items() if count > 1]
    if twice:
        raise PipelineError(
            "two files would be printed to the same place",
            where=output / twice[0],
            remedy="Read them one folder after the other, into two folders.",
        )
    return files


def _told(file: _File) -> _File:
    """The file with its fingerprint; that it cannot be opened is told when it is read."""
    try:
        return file._replace(source=fingerprint_file(file.path))
    except OSError:
        return file


def _opened_document(file: _File, limits: InputLimits) -> Document:
    if not file.place.is_nameable:
        raise PipelineError(
            "the name is too long: what is printed has a longer one", where=file.path, remedy="Give it a shorter name."
        )
    return open_document(file.path, limits)


def _refuse(error: PipelineError) -> NoReturn:
    raise error
