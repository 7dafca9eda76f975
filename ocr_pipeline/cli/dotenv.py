"""The ``.env`` of the working directory: the command line reads it as Dagster does, so both work in the same places."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ocr_pipeline.errors import PipelineError

FILE = ".env"


def working_folder() -> Path:
    """Where the command was started.

    Raises:
        PipelineError: that folder is gone.
    """
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise PipelineError(
            "the working directory is not there any more", where=os.environ.get("PWD", "."), remedy="cd to another one."
        ) from error


def read_dotenv(folder: Path) -> frozenset[str]:
    """Set the variables that ``.env`` in a folder names and the environment does not; returns their names.

    What was exported counts, also where it is empty.

    Raises:
        PipelineError: the file cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return frozenset()
    from dotenv import dotenv_values  # 50 ms, which most commands need not wait for

    try:
        said = dotenv_values(path)
    except (OSError, UnicodeError) as error:
        raise PipelineError(
            f"it cannot be read ({error})", where=path, remedy="Save it as UTF-8, with lines NAME=VALUE, or delete it."
        ) from error
    taken = {name: value for name, value in said.items() if value is not None and name not in os.environ}
    os.environ |= taken
    return frozenset(taken)


def blamed(error: PipelineError, taken: frozenset[str]) -> str:
    """What to say beside an error about a place that is named by ``.env`` alone, and is not there; else nothing.

    Args:
        taken: the variables that `read_dotenv` took from there.
    """
    place = Path(error.where)
    names = [name for name in taken if os.environ[name] and Path(os.environ[name]).expanduser().absolute() == place]
    if not names or place.exists():
        return ""
    return f"{names[0]} is set by {Path.cwd() / FILE}: mend that line, or delete the file."


def of_dotenv(*variables: str) -> str:
    """`` (.env)`` where one of these variables was taken from there, else nothing."""
    return f" ({FILE})" if taken_from_dotenv().intersection(variables) else ""


def taken_from_dotenv() -> frozenset[str]:
    """The variables that were taken from there when the command began."""
    return click.get_current_context().find_object(frozenset) or frozenset()
