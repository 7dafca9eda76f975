"""The desk: requests wait in a row, and those that wait at the same time are read together, by one thread.

A brings 3 pages; while they are read B brings 1 and C 2: these three are the next stream, their crops share batches.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.reading.forms import UnprintableError
from ocr_pipeline.reading.input import Document, Sheet
from ocr_pipeline.reading.pipeline import Request
from ocr_pipeline.reading.reader import Reader
from ocr_pipeline.serving.answers import Answer

logger = logging.getLogger(__name__)

TOGETHER = 32  # requests that are read as one stream
LOOK_EVERY = 5.0  # seconds between two looks whether others shall read

Who = Callable[[], str]
"""Names those that shall read now, at little cost: another name, others to load."""


class Content(NamedTuple):
    """An answer, and the fingerprint of what read it."""

    data: bytes
    reader: str


class BusyError(Exception):
    """As many requests wait as may."""


@dataclass(eq=False)
class Job:
    """One request: a document and the media type of its answer."""

    document: Document
    kind: str
    content: Future[Content] = field(default_factory=Future)

    @property
    def is_over(self) -> bool:
        return self.content.done()


class Desk:
    """Reads requests until it is closed.

    Args:
        load: makes the reader; called again whenever ``who`` names others. If that fails, those before go on.
        most_waiting: requests that may wait.
    """

    def __init__(self, load: Callable[[], Reader], who: Who, most_waiting: int) -> None:
        self._load, self._who = load, who
        self._waiting: queue.Queue[Job | None] = queue.Queue(most_waiting)
        self._named, self._looked = who(), time.monotonic()
        self.reader = load()
        self._thread = threading.Thread(target=self._work, name="desk", daemon=True)
        self._thread.start()

    @property
    def is_working(self) -> bool:
        return self._thread.is_alive()

    def hand_in(self, job: Job) -> Future[Content]:
        """The answer to come; whoever gives up waiting cancels it.

        Raises:
            BusyError: too many wait.
        """
        try:
            self._waiting.put_nowait(job)
        except queue.Full:
            raise BusyError from None
        return job.content

    def close(self) -> None:
        """Read what waits, then end."""
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            jobs = [job, *self._others()]
            self._look()
            try:
                self._read([each for each in jobs if not each.is_over])
            except Exception as error:  # whatever it was, these requests get it, and the next are read
                logger.exception("a stream of %d requests broke", len(jobs))
                _fail(jobs, error)

    def _others(self) -> Iterator[Job]:
        """Those that wait as well, but for the sign to end, which goes back."""
        for _ in range(TOGETHER - 1):
            try:
                job = self._waiting.get_nowait()
            except queue.Empty:
                return
            if job is None:
                self._waiting.put(None)
                return
            yield job

    def _look(self) -> None:
        if time.monotonic() - self._looked < LOOK_EVERY:
            return
        self._looked = time.monotonic()
        try:
            if (named := self._who()) != self._named:
                self.reader, self._named = self._load(), named
                logger.info("%s read from now on", named)
        except PipelineError:
            logger.exception("others shall read and cannot; those before go on")

    def _read(self, jobs: list[Job]) -> None:
        answers: dict[Job, Answer] = {}
        try:
            for job in jobs:
                with _failing(job):
                    answers[job] = Answer(job.document, job.kind)
            self._read_into(answers)
        finally:
            for answer in answers.values():
                answer.close()

    def _read_into(self, answers: dict[Job, Answer]) -> None:
        requests = (
            Request((job, number), partial(_sheet, job, number))
            for job in answers
            for number in range(1, job.document.pages + 1)
        )
        with closing(self.reader.read_pages(requests)) as stream:
            for (job, number), result in stream:
                if isinstance(result, PipelineError):
                    _fail([job], result)
                elif not job.is_over:
                    with _failing(job):
                        answers[job].add(*result)
                        if number == job.document.pages:
                            self._finish(job, answers[job])

    def _finish(self, job: Job, answer: Answer) -> None:
        fingerprint = self.reader.fingerprint
        content = Content(answer.content(fingerprint), fingerprint)
        if job.content.set_running_or_notify_cancel():
            job.content.set_result(content)


def _sheet(job: Job, number: int) -> Sheet:
    """A page, unless nobody waits for it any more."""
    if job.is_over:
        raise PipelineError("the request was given up", where=job.document.path, remedy="Send it again.")
    return job.document.load(number)


@contextmanager
def _failing(job: Job) -> Iterator[None]:
    """What is wrong with one document is told to who sent it, and to nobody else."""
    try:
        yield
    except UnprintableError as error:
        _fail([job], error)


def _fail(jobs: list[Job], error: Exception) -> None:
    for job in jobs:
        if not job.is_over and job.content.set_running_or_notify_cancel():
            job.content.set_exception(error)
