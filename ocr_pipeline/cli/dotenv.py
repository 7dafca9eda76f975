"""The ``.env`` of the working directory: the command line reads it as Dagster does, so both work in the same places."""

from __future__ import annotations

import os
from pathlib import Path

import click

FILE = ".env"


def read_dotenv(folder: Path) -> frozenset[str]:
    """Set the variables that ``.env`` in a folder names and the environment does not; returns their names.

    What was exported counts, also where it is empty.
    """
    path = folder / FILE
    if not path.is_file():
        return frozenset()
    from dotenv import dotenv_values  # 50 ms, which most commands need not wait for

    said = dotenv_values(path)
    taken = {name: value for name, value in said.items() if value is not None and name not in os.environ}
    os.environ |= taken
    return frozenset(taken)


def of_dotenv(*variables: str) -> str:
    """`` (.env)`` where one of these variables was taken from there, else nothing."""
    names = click.get_current_context().find_object(frozenset) or frozenset[str]()
    return f" ({FILE})" if names.intersection(variables) else ""
