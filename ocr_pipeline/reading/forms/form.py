"""What a form is: something that takes the pages of a file one by one and prints them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import NamedTuple, Protocol

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.reading.input import Document, Sheet
from ocr_pipeline.reading.record import ReadDocument, ReadPage
from ocr_pipeline.storage.files.publishing import is_nameable

RECORD = ".json"


class UnprintableError(PipelineError):
    """One file cannot be printed; others can."""


class Place(NamedTuple):
    """Where what is printed of a file goes.

    Attributes:
        output: the folder of all; name: the file's path below what was named.
    """

    output: Path
    name: PurePath

    @property
    def is_nameable(self) -> bool:
        """Whether the file system has room for the names of what is printed."""
        return is_nameable(self.page("", 1, 2, ".alto.xml"))

    def beside(self, ending: str) -> Path:
        """The file of that ending that stands for the whole."""
        return self.output / self.name.with_name(self.name.name + ending)

    @property
    def record(self) -> Path:
        """The file's record, which says that it is done."""
        return self.beside(RECORD)

    def page(self, folder: str, number: int, pages: int, ending: str) -> Path:
        """The file of one page in a folder of its own kind: ``folder/a.pdf.png``, ``folder/a.pdf-0002.png`` of several.

        The whole name stands in it: ``a.jpg`` and ``a.png`` are two pictures.
        """
        mark = f"-{number:04d}" if pages > 1 else ""
        return self.output / folder / self.name.with_name(f"{self.name.name}{mark}{ending}")


class Printer(Protocol):
    """Prints one file."""

    def add(self, sheet: Sheet, page: ReadPage) -> None:
        """One page more, with its pixels."""
        ...

    def publish(self, document: ReadDocument) -> None:
        """After the last page: what is printed appears whole."""
        ...


@dataclass(frozen=True)
class Form:
    """One form.

    Attributes:
        printer: makes one for a file.
        gather: prints what is made of all files together, from their records.
    """

    printer: Callable[[Place, Document], Printer]
    gather: Callable[[Path, Sequence[Place]], None] | None = None
