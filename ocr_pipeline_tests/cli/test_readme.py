"""The README promises commands; they exist, with the flags it shows."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from ocr_pipeline.cli import COMMANDS, cli

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
MAKEFILE = (Path(__file__).parents[2] / "Makefile").read_text(encoding="utf-8")
SHOWN = re.findall(r"ocr-pipeline ([a-z][a-z-]*)([^`\n]*)", README)


def test_every_command_is_in_the_readme() -> None:
    assert {name for name, _ in SHOWN} | {"demo"} == set(COMMANDS)


@pytest.mark.parametrize(("name", "rest"), SHOWN)
def test_flags_shown_in_the_readme_exist(name: str, rest: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    flags = {flag for parameter in command.params for flag in parameter.opts}
    assert set(re.findall(r"--[a-z_]+", rest)) <= flags


def test_make_targets_in_the_readme_exist() -> None:
    for target in re.findall(r"(?:`|^)make ([a-z]+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
