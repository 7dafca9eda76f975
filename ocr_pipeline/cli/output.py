"""What a command says: visible on any terminal, and never a reason to lose the work that it tells of."""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
from collections.abc import Callable
from typing import TextIO

import click

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.shown import visible


def say(text: str, *, err: bool = False) -> None:
    """One line to standard output or standard error."""
    click.echo(visible(text), err=err)


class VisibleFormatter(logging.Formatter):
    """Log lines in which names from outside cannot act on the terminal or forge another line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        return visible(super().formatMessage(record))

    def formatException(self, ei) -> str:  # noqa: N802
        return "\n".join(map(visible, super().formatException(ei).split("\n")))


class _Patient(io.RawIOBase):
    """Writes on to a stream until that fails once, keeps the fault, and drops what comes after it."""

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self.fault: OSError | None = None
        self.before: Callable[[], None] = lambda: None

    def write(self, data) -> int:
        self.before()
        if self.fault is None:
            try:
                return self._stream.write(data) or 0
            except OSError as error:
                self.fault = error
        return len(data)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()


def _raw(stream: TextIO | None) -> io.RawIOBase:
    """What is below a stream's buffers; nothing where it was closed before the command began."""
    buffer = getattr(stream, "buffer", None) or io.FileIO(os.devnull, "w")
    return getattr(buffer, "raw", buffer)


def _text(stream: _Patient, like: TextIO | None) -> TextIO:
    encoding = getattr(like, "encoding", None) or "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(stream), encoding, errors="backslashreplace", line_buffering=True)


class StandardStreams:
    """Standard output and error for the length of a command: a closed pipe or a full disk there ends no work."""

    def __init__(self) -> None:
        while os.open(os.devnull, os.O_RDWR) <= 2:  # whoever closed them would get an artifact's file in their place
            pass
        self._output, self._errors = _Patient(_raw(sys.stdout)), _Patient(_raw(sys.stderr))
        sys.stdout, sys.stderr = _text(self._output, sys.stdout), _text(self._errors, sys.stderr)

    def call_before(self, act: Callable[[], None]) -> None:
        """Whatever is written to either of them, this is done before."""
        self._output.before = self._errors.before = act

    def demand_told(self) -> None:
        """See to it that everything said arrived; a reader who left, as ``head`` does, has heard what it wanted.

        Raises:
            PipelineError: the output is lost.
        """
        sys.stdout.flush()
        fault = self._output.fault
        if fault is not None and fault.errno != errno.EPIPE:
            raise PipelineError(
                f"what the command says cannot be written ({fault.strerror})",
                where="standard output",
                remedy="What it made is complete. Free space there, or send the output somewhere else.",
            )
