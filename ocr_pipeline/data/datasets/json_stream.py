"""One large JSON document as a stream: its top-level arrays come in batches, memory stays that of a window.

A prefix of a JSON array that ends between two elements, closed with a bracket, parses exactly if its elements are the
first elements of the array. So the window is cut at its last ``}, {`` and parsed as a whole by msgspec, as fast as the
document at once; a cut that fell into a string or a nested list does not parse, and the one before it is tried.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec

from ocr_pipeline.data.datasets.dataset import LabelError
from ocr_pipeline.data.datasets.doubled_keys import all_stand_once, one_value_each, parsed

Pieces = Callable[[], Iterable[bytes]]
"""Opens the document: its bytes from the beginning, in pieces of any size."""

_WINDOW = 1 << 20
_LONGEST_ELEMENT = 1 << 26
_TRIES = 64
_ARRAY_END = re.compile(rb"\}\s*\]")
_LIST_OF_OBJECTS = re.compile(rb"\[\s*\{")
_SPACE = b" \t\r\n"
_decoder = json.JSONDecoder(object_pairs_hook=one_value_each)


def from_cp949(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A cp949 document in UTF-8.

    Raises:
        LabelError: it is not that either.
    """
    try:
        for text in codecs.iterdecode(pieces, "cp949"):
            yield text.encode()
    except UnicodeDecodeError as error:
        raise LabelError(f"neither UTF-8 nor cp949 JSON: {error}") from error


def stream_arrays(pieces: Iterable[bytes], arrays: Mapping[str, type]) -> Iterator[tuple[str, list[Any]]]:
    """The elements of the arrays that stand under the given keys of the document's top level, in batches.

    Args:
        arrays: key -> struct type of its elements; keys are compared without regard to case.

    Yields:
        (key, elements): structs, or plain values where one of the batch does not fit the type. Every key that is there
        comes at least once, if only with no elements.

    Raises:
        LabelError: it is no JSON object, the value of one of the keys is no array, or the key stands twice.
        UnicodeDecodeError: it is not UTF-8.
    """
    types = {key.casefold(): (key, _Elements(kind)) for key, kind in arrays.items()}
    others, seen = _Elements(dict), set[str]()
    window = _Window(pieces)
    window.expect(b"{")
    while not window.take(b"}"):
        key = window.value()
        if not isinstance(key, str):
            raise LabelError("no valid JSON: a key is no text")
        window.expect(b":")
        name, elements = types.get(key.casefold(), ("", others))
        if name in seen:
            raise LabelError(f"the key {name} stands twice")
        seen |= {name} - {""}
        is_large = window.begins_list_of_objects()
        for batch in _batches(window, elements) if is_large else (window.value(),):
            if name and not isinstance(batch, list):
                raise LabelError(f"{name} must be a list")
            if name:
                yield name, batch
        if not window.take(b","):
            window.expect(b"}")
            break
    window.expect_end()


class _Elements:
    """Reads a list of records as structs of a type, or as plain values where one of them is not of it."""

    def __init__(self, kind: type) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]

    def read(self, document: bytes) -> list[Any] | None:
        """The elements of a JSON list; None if it is none."""
        try:
            batch = self._decoder.decode(document)
        except msgspec.ValidationError:
            pass  # not the syntax, but one of the records
        except msgspec.DecodeError:
            return None
        else:
            if issubclass(self._kind, msgspec.Struct) and all_stand_once(document, len(batch), self._kind):
                return batch
        text = document.decode()
        try:
            return parsed(text)
        except ValueError:
            return None


def _batches(window: _Window, elements: _Elements) -> Iterator[list[Any]]:
    """The elements of the array whose bracket comes next."""
    window.expect(b"[")
    is_last = False
    while not is_last:
        batch, end, is_last = _first_elements(window, elements)
        yield batch
        window.drop(end)
        window.expect(b"]" if is_last else b",")


def _first_elements(window: _Window, elements: _Elements) -> tuple[list[Any], int, bool]:
    """As many elements as the window holds, where they end, and whether the array ends with them."""
    wanted = _WINDOW
    while wanted <= _LONGEST_ELEMENT:
        window.fill(wanted)
        for end, is_last in _cuts(window.data):
            batch = elements.read(b"".join((b"[", memoryview(window.data)[:end], b"]")))
            if batch is not None:
                return batch, end, is_last
        whole = _rest_of_array(window.data)
        if whole is not None:
            return *whole, True
        if window.is_whole:
            break
        wanted *= 2
    raise LabelError("no valid JSON: a list does not end, or is damaged")


def _rest_of_array(data: bytes) -> tuple[list[Any], int] | None:
    """Elements up to the array's end, whatever they are, and where that is; None if it is not in ``data``."""
    text = "[" + data.decode("utf-8", "surrogateescape")
    try:
        elements, end = _decoder.raw_decode(text)
    except ValueError:
        return None
    return elements, len(text[1 : end - 1].encode("utf-8", "surrogateescape"))


def _cuts(data: bytes) -> Iterator[tuple[int, bool]]:
    """Where a prefix of an array may end, the likeliest first; and whether the array ends there."""
    cuts = _cuts_between(data)
    yield from ((cut, False) for cut in islice(cuts, 1))
    yield from ((end.start() + 1, True) for end in islice(_ARRAY_END.finditer(data), _TRIES))
    yield from ((cut, False) for cut in islice(cuts, _TRIES))


def _cuts_between(data: bytes) -> Iterator[int]:
    """Ends of ``}`` that are followed by ``,`` and ``{``, from the last to the first."""
    start = data.rfind(b"{")
    while start > 0:
        before = data[max(0, start - 64) : start].rstrip(_SPACE)
        if before.endswith(b","):
            before = before[:-1].rstrip(_SPACE)
            if before.endswith(b"}"):
                yield max(0, start - 64) + len(before)
        start = data.rfind(b"{", 0, start)


class _Window:
    """The part of the document that is held in memory."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self.data = b""
        self.is_whole = False
        self.fill(_WINDOW)
        self.data = self.data.removeprefix(codecs.BOM_UTF8)

    def fill(self, size: int) -> None:
        """Hold at least ``size`` bytes, or all that is left."""
        parts, held = [self.data], len(self.data)
        while held < size and not self.is_whole:
            piece = next(self._pieces, None)
            self.is_whole = piece is None
            parts.append(piece or b"")
            held += len(parts[-1])
        if len(parts) > 1:
            self.data = b"".join(parts)

    def drop(self, size: int) -> None:
        self.data = self.data[size:]

    def take(self, sign: bytes) -> bool:
        """Whether the next sign is this one; then it is left behind."""
        self._skip_space()
        if not self.data.startswith(sign):
            return False
        self.drop(1)
        return True

    def begins_list_of_objects(self) -> bool:
        self._skip_space()
        self.fill(1 << 10)
        return _LIST_OF_OBJECTS.match(self.data) is not None

    def expect(self, sign: bytes) -> None:
        if not self.take(sign):
            raise LabelError(
                f"no valid JSON: {sign.decode()!r} expected before {self.data[:20].decode(errors='replace')!r}"
            )

    def expect_end(self) -> None:
        self._skip_space()
        if self.data:
            raise LabelError("no valid JSON: something follows the document")

    def value(self) -> Any:
        """The next value, whatever it is; it is held as a whole."""
        self._skip_space()
        wanted = 1 << 12
        while True:
            self.fill(wanted)
            text = self.data[:wanted].decode("utf-8", "surrogateescape")
            try:
                value, end = _decoder.raw_decode(text)
            except ValueError as error:
                if self.is_whole and wanted >= len(self.data):
                    raise LabelError(f"no valid JSON: {error}") from error
            else:
                if end < len(text) or self.is_whole:  # else a number may go on
                    self.drop(len(text[:end].encode("utf-8", "surrogateescape")))
                    return value
            wanted *= 4

    def _skip_space(self) -> None:
        self.data = self.data.lstrip(_SPACE)
        while not self.data and not self.is_whole:
            self.fill(_WINDOW)
            self.data = self.data.lstrip(_SPACE)
