"""Paths that a person typed, as they lie here."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from ocr_pipeline.errors import PipelineError

_ALIKE = 0.75  # of the letters of two names
_QUOTES = "“”„‟‘’‚‛«»＂＇"
_WINDOWS = re.compile(r"(?:(?P<drive>[A-Za-z]):[\\/](?!/)|\\\\)(?P<below>.+)")


def as_it_lies(typed: str, where: object) -> str:
    """A path with its folders as they are named here: a Mac takes syllables apart (NFD), a keyboard makes them whole.

    Args:
        where: what names the path, for the error.

    Raises:
        PipelineError: there is no such thing, and it is a path of Windows or stands in the quotes of a word processor.
    """
    if _is_there(typed):
        return typed
    _demand_of_here(typed, where)
    found = Path()
    for name in () if typed.isascii() else Path(typed).parts:
        below = found / name
        found = below if _is_there(below) else next(_alike(found, name), below)
    return str(found) if _is_there(found) and not typed.isascii() else typed


def likely(path: str | Path) -> str:
    """A sentence for the error of a path that is not there: the one that lies there and is spelled nearly so, if any.

    Of the guide's ``Y:\\ocr_dataset`` a shell leaves one backslash, two or none, by the quotes around it.
    """
    path = Path(path).absolute()
    folder = next(above for above in path.parents if _is_there(above))
    first, *others = path.relative_to(folder).parts
    listed = folder.iterdir() if os.access(folder, os.R_OK) and folder.is_dir() else ()
    names = {unicodedata.normalize("NFC", below.name): below for below in listed}
    whole = [names[name] for name in _close("/".join((first, *others)), names)]
    parts = [Path(as_it_lies(str(names[name].joinpath(*others)), path)) for name in _close(first, names)]
    found = next((meant for meant in (*whole, *parts) if _is_there(meant)), None)
    return f" Did you mean {shlex.quote(str(found))}?" if found else ""


def _close(name: str, names: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(unicodedata.normalize("NFC", name), list(names), 1, _ALIKE)


def _is_there(path: str | Path) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # a text that is too long for a path, or a folder that may not be entered
        return False


def _alike(folder: Path, name: str) -> Iterator[Path]:
    whole = unicodedata.normalize("NFC", name)
    if os.access(folder, os.R_OK) and folder.is_dir():
        yield from (path for path in folder.iterdir() if unicodedata.normalize("NFC", path.name) == whole)


def _demand_of_here(typed: str, where: object) -> None:
    plain = typed.strip(_QUOTES)
    if typed and typed[0] in _QUOTES:
        raise PipelineError(f"{typed} is in quotes of a word processor", where=where, remedy=f"Type '{plain}'.")
    if windows := _WINDOWS.fullmatch(typed):
        drive, below = windows["drive"], windows["below"].replace("\\", "/")
        here = f"/mnt/{drive.lower()}/{below}, inside WSL" if drive else f"smb://{below}, or where it is mounted"
        raise PipelineError(f"{typed} is a path of Windows", where=where, remedy=f"Here it is {here}.")
