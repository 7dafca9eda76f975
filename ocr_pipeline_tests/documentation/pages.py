"""The pages of the documentation, and what stands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PAGES = sorted([*REPOSITORY.glob("*.md"), *DOCS.rglob("*.md"), *(REPOSITORY / "examples").glob("*.md")])


def name_of(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


def tokens(page: Path) -> Iterator[Token]:
    """All tokens of a page, those within lines too."""
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        yield token
        yield from token.children or ()


class Block(NamedTuple):
    """A fenced block: its page, its first line there (from 1), its language and its text."""

    page: Path
    line: int
    language: str
    text: str


BLOCKS = [
    Block(page, token.map[0] + 1, token.info, token.content)
    for page in PAGES
    for token in tokens(page)
    if token.type == "fence" and token.map
]


class Line(NamedTuple):
    """A command line of ours: its page, and the words after ``ocr-pipeline``."""

    page: Path
    words: tuple[str, ...]


def command_lines() -> Iterator[Line]:
    """Every command line of ours that a block or a code span holds; variables, pipes and ends of lines are left out."""
    for page in PAGES:
        for token in tokens(page):
            if token.type == "fence" and token.info in ("sh", "bash"):
                for text in token.content.replace("\\\n", " ").splitlines():
                    yield from _lines_of(page, text)
            elif token.type == "code_inline":
                yield from _lines_of(page, token.content)


def _lines_of(page: Path, text: str) -> Iterator[Line]:
    for command in re.findall(r"(?:^|[\s;/])ocr-pipeline ([a-z][^|;>&]*)", text):
        yield Line(page, tuple(shlex.split(command, comments=True)))
