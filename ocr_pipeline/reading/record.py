"""What is read: a page of lines in reading order, each of words with quad, text and confidence; JSON is the record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from ocr_pipeline.page import Quad

Before = Literal["", " ", "\t"]
"""What stands before a word in its line: nothing, a space, or the border of a table's cell."""


class ReadWord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One word that was found and read.

    Attributes:
        quad: four corners in pixels, clockwise from top left as a reader of the word sees them.
        text: in NFC; empty where the recognizer saw nothing.
        confidence: how sure the recognizer is of the text, from 0 to 1.
        before: what stands between it and the word before it in its line; nothing before the first.
    """

    quad: Quad
    text: str
    confidence: float
    before: Before = " "


class ReadLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """Words in their order: a line of print, a row of a table, or a vertical column.

    Attributes:
        block: which piece of the page it belongs to, from 0; lines of a block follow each other.
        vertical: whether it is read from top to bottom.
    """

    words: tuple[ReadWord, ...]
    block: int = 0
    vertical: bool = False

    @property
    def text(self) -> str:
        """Its words with what stands between them."""
        return "".join(word.before + word.text for word in self.words if word.text).lstrip()

    @property
    def confidence(self) -> float:
        """That of its least sure word."""
        return min(word.confidence for word in self.words)


class ReadPage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One picture, or one page of a file.

    Attributes:
        image: file name of the picture, PDF or TIFF in NFC; empty for what came without a name.
        width, height: pixels that the quads refer to: of the picture when it stands upright.
        lines: in reading order.
        number: which page of the file, from 1.
    """

    image: str
    width: int
    height: int
    lines: tuple[ReadLine, ...] = ()
    number: int = 1

    @property
    def text(self) -> str:
        """The lines, each with a line end; an empty line between blocks."""
        lines = [line for line in self.lines if line.text]
        before = [None, *(line.block for line in lines)]
        return "".join(
            "\n" * (block is not None and line.block != block) + line.text + "\n"
            for block, line in zip(before, lines, strict=False)
        )

    @property
    def words(self) -> Iterator[ReadWord]:
        """All words in reading order."""
        return (word for line in self.lines for word in line.words)


class ReadDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file and all that was read in it: what is stored as JSON, and says that the file is done.

    Attributes:
        source: fingerprint of the file's bytes.
        reader: fingerprint of what read it: weights, settings and code.
    """

    source: str
    reader: str
    pages: tuple[ReadPage, ...]

    def encode(self) -> bytes:
        """As JSON with one page on each line."""
        head = msgspec.json.encode({"source": self.source, "reader": self.reader})[:-1]
        pages = b",\n".join(map(msgspec.json.encode, self.pages))
        return head + b',"pages":[\n' + pages + b"\n]}\n"


def decode_document(data: bytes) -> ReadDocument:
    """The record that `ReadDocument.encode` wrote.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return msgspec.json.decode(data, type=ReadDocument)
