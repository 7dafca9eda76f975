"""Commands that the documentation shows exist, with their flags and values; those that take no time run."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ocr_pipeline.cli import cli
from ocr_pipeline.cli.reference import PAGES as MADE_FROM_THE_CODE
from ocr_pipeline_tests.documentation.pages import BLOCKS, DOCS, PAGES, REPOSITORY, Block, Line, command_lines, name_of
from ocr_pipeline_tests.trees import HAND_LABELS, HAND_PICTURES, corner_label, picture, write_tree

LINES = sorted(set(command_lines()))
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
QUICK = {"status", "doctor", "quarantine", "quality", "automation", "champions", "merge", "lookup", "annotations"}
"""These run in a moment on a share of a page, where nothing has to be drawn first; so does ``backfill --dry_run``."""


def command_of(words: tuple[str, ...]) -> tuple[click.Command, list[str]]:
    """The command that a line names, and what follows its name."""
    context, rest = click.Context(cli), list(words)
    command: click.Command | None = cli
    while isinstance(command, click.Group):
        command = command.get_command(context, rest.pop(0) if rest else "")
        if command is not None and not (rest and isinstance(command, click.Group)):
            return command, rest
    raise AssertionError(f"there is no command {words[0]}")


def flags_in(words: list[str]) -> set[str]:
    """The flags among words, as they are spelled in the code."""
    found = {word.partition("=")[0].replace("-", "_").replace("__", "--", 1) for word in words if word.startswith("--")}
    return found - {"--help"}


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{name_of(line.page)}: {' '.join(line.words)}")
def test_a_command_has_the_flags_that_are_shown(line: Line) -> None:
    command, rest = command_of(line.words)
    flags = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    assert flags_in(rest) <= flags


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{name_of(line.page)}: {' '.join(line.words)}")
def test_a_command_that_is_shown_with_flags_has_those_that_it_needs(line: Line) -> None:
    command, rest = command_of(line.words)
    needed = [
        parameter.opts for parameter in command.params if isinstance(parameter, click.Option) and parameter.required
    ]
    if shown := flags_in(rest):
        assert [flags for flags in needed if not shown & {*flags}] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_make_targets_exist(page: Path) -> None:
    for target in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


@pytest.mark.parametrize("name", MADE_FROM_THE_CODE)
def test_a_page_made_from_the_code_is_as_the_code_is(name: str) -> None:
    committed = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    made = "\n".join(MADE_FROM_THE_CODE[name]()) + "\n"
    assert committed == made, f"run: python -m ocr_pipeline.cli.reference {name} > docs/{name}.md"


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("docs")
    write_tree(
        root / "share",
        {f"{HAND_LABELS}/O.Form/a.json": corner_label("합계", "영수"), f"{HAND_PICTURES}/O.Form/a.png": picture()},
    )
    for command in ("merge", "lookup", "annotations"):
        assert run(root, command).exit_code == 0
    return root


def run(root: Path, *words: str):
    places = {
        "OCR_PIPELINE_SOURCE": str(root / "share"),
        "OCR_PIPELINE_OUTPUT": str(root / "output"),
        "HF_HUB_OFFLINE": "1",
    }
    return CliRunner().invoke(cli, list(words), env=places)


def is_quick(line: Line) -> bool:
    stays_here = not {"--source", "--output", "synthetic"} & set(line.words)
    return stays_here and (line.words[0] in QUICK or line.words[:1] + line.words[-1:] == ("backfill", "--dry_run"))


@pytest.mark.parametrize("words", sorted({line.words for line in LINES if is_quick(line)}), ids=" ".join)
def test_a_quick_command_runs_as_it_stands(words: tuple[str, ...], output: Path) -> None:
    done = run(output, *words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    assert done.exit_code == 0 or words[0] == "doctor", done.output


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{name_of(block.page)}:{block.line}")
def test_python_imports_what_exists(block: Block) -> None:
    if block.language == "python":
        imports = [each for each in ast.parse(block.text).body if isinstance(each, ast.Import | ast.ImportFrom)]
        for each in imports:
            exec(ast.unparse(each), {})  # noqa: S102 (our own page)
