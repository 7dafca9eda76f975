"""Paths that a person typed: what stands there is theirs, unless a command can tell that it made it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.settings import likely


def claim(
    *outputs: Path,
    inputs: Iterable[str | Path] = (),
    overwrite: bool = False,
    is_own: Callable[[Path], bool] = lambda _: False,
) -> None:
    """See to it that a command may write its ``outputs``, files or folders, before it does any work.

    Args:
        inputs: what the command reads; what is no path on this machine (a model on a hub) is nothing to be lost.
        overwrite: the person said that what stands there may go.
        is_own: whether what stands there was made by an earlier run of the same command.

    Raises:
        PipelineError: one is an input or holds one, or what stands there is not the command's to replace.
    """
    read = [path.resolve() for path in map(Path, inputs) if path.exists()]
    needed = {place for path in read for place in (path, *path.parents)}
    for output in outputs:
        if output.resolve() in needed:
            raise PipelineError(
                "the output would replace what is read", where=output, remedy="Name another place to write to."
            )
        if _is_something(output) and not (overwrite or is_own(output)):
            raise PipelineError(
                "something stands here that this command did not make",
                where=output,
                remedy="Name another place, or say --overwrite if it may be replaced, whole.",
            )


def demand_folder(path: Path, remedy: str) -> None:
    """Refuse what is no folder.

    Raises:
        PipelineError: nothing is there, or a file is.
    """
    if path.exists() and not path.is_dir():
        raise PipelineError("this is a file, no folder", where=path, remedy=remedy)
    if not path.exists():
        raise PipelineError("there is no such folder", where=path, remedy=f"{remedy}{likely(path)}")


def demand_no_folder(path: Path, remedy: str) -> None:
    """Refuse a folder where a file is to be written, before any work is done for it.

    Raises:
        PipelineError: a folder is there.
    """
    if path.is_dir():
        raise PipelineError("this is a folder, and a file is written", where=path, remedy=remedy)


def _is_something(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.exists() or path.is_symlink()


def begins_with(line: str) -> Callable[[Path], bool]:
    """Whether a text file has this first line, as the tables that a command writes do."""
    start = line.encode() + b"\n"

    def is_own(path: Path) -> bool:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(start) + 3).removeprefix(b"\xef\xbb\xbf").startswith(start)

    return is_own
