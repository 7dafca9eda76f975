"""The README keeps its length, and the reference names every command."""

from __future__ import annotations

import re
from pathlib import Path

from ocr_pipeline.cli.verbs import COMMANDS

REPOSITORY = Path(__file__).parents[2]


def test_the_readme_stays_a_page() -> None:
    assert len((REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()) <= 110


def test_every_command_has_its_place_in_the_reference() -> None:
    reference = (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8")
    assert re.findall(r"^### (.*)$", reference, re.MULTILINE) == list(COMMANDS)
