"""The one error a user can mend: what went wrong, where, and what to do about it."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import overload

from ocr_pipeline.shown import visible

logger = logging.getLogger(__name__)

_SHORTAGES = {
    errno.ENOMEM: ("memory", "Run the same command with fewer --workers, or where there is more memory"),
    errno.EMFILE: ("file handles", "Raise `ulimit -n`, or run the same command with fewer --workers"),
    errno.ENFILE: ("file handles", "Close other programs or raise fs.file-max, then run the same command"),
    errno.ENOSPC: ("disk space", "Free some (df -h tells where), then run the same command"),
    errno.EDQUOT: ("disk quota", "Free some space or ask for more, then run the same command"),
}


class PipelineError(Exception):
    """An error whose message names the remedy; the command line prints it without a traceback.

    Args:
        what: what went wrong, in one clause.
        where: the file, folder, URL or setting concerned.
        remedy: what the user can do now.
    """

    @overload
    def __init__(self, what: str, *, where: object, remedy: str) -> None: ...

    @overload
    def __init__(self, what: str) -> None: ...

    def __init__(self, what: str, *, where: object = None, remedy: str | None = None) -> None:
        if remedy is None:  # torch makes the error of a loader's worker anew, from the text of its traceback alone
            what = what.rstrip().rpartition(f"{type(self).__name__}: ")[2]
            self.what, self.where, self.remedy = what, "", ""
            super().__init__(what)
            return
        self.what, self.where, self.remedy = what, str(where), remedy
        super().__init__(visible(f"{what}: {self.where}. {remedy}"))

    def __reduce__(self):  # keyword-only arguments do not survive the default pickling
        return _rebuild, (type(self), self.what, self.where, self.remedy)


def _rebuild(cls: type[PipelineError], what: str, where: str, remedy: str) -> PipelineError:
    return cls(what, where=where, remedy=remedy) if remedy else cls(what)


@contextmanager
def refusals_of_the_machine() -> Iterator[None]:
    """What nobody else explained: a file or folder that may not be touched, and what this machine lacks.

    Raises:
        PipelineError: it names the place.
    """
    try:
        yield
    except OSError as error:
        end_on_shortage(error, error.filename or "this machine")
        if not isinstance(error, PermissionError):
            raise
        raise PipelineError(
            "it may not be read or written by you",
            where=error.filename or "this machine",
            remedy="Change its permissions or its owner, or name a place of yours.",
        ) from error


def end_on_shortage(error: BaseException, where: object) -> None:
    """To be asked before an error sets a page or word aside: what this machine lacks is no fault of the data.

    Raises:
        PipelineError: memory, file handles or disk space ran out.
    """
    number = errno.ENOMEM if isinstance(error, MemoryError) else getattr(error, "errno", None)
    if number in _SHORTAGES:
        what, remedy = _SHORTAGES[number]
        raise PipelineError(
            f"this machine ran out of {what} ({error or type(error).__name__})",
            where=where,
            remedy=f"{remedy}; what is finished is kept.",
        ) from error


def tell_unexpected(error: Exception, where: object) -> None:
    """To be asked before an error that nobody thought of sets one item aside: its traceback goes to the log.

    Raises:
        PipelineError: it is one, which ends more than the item; or this machine ran out of something.
    """
    if isinstance(error, PipelineError):
        raise error
    end_on_shortage(error, where)
    logger.error("%s cannot be read: a fault of this program", visible(str(where)), exc_info=error)
