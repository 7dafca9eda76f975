"""What the texts of the package advise exists: commands with their flags, variables, make targets, extras."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

import click
import pytest

from ocr_pipeline.cli import cli
from ocr_pipeline.cli.environment import PLACES, SETTINGS
from ocr_pipeline.settings import settings_in
from ocr_pipeline_tests.documentation.pages import REPOSITORY
from ocr_pipeline_tests.documentation.test_commands import MAKEFILE, command_of

OTHER_PROGRAMS = ("pip install", "hf download", "ray start", "qpdf", "curl", "torchrun", "python -m")
READ_ELSEWHERE = {"OCR_PIPELINE_COMPLETE", "OCR_PIPELINE_WATCH"}  # click's own; the beginning of a name


class Text(NamedTuple):
    """A string of the package that a person may read; what is put in as it runs is a word in capitals."""

    place: str
    text: str


def texts() -> Iterator[Text]:
    """Every string with a blank in it that is no docstring."""
    for path in sorted((REPOSITORY / "ocr_pipeline").rglob("*.py")):
        for node in _strings(ast.parse(path.read_text(encoding="utf-8"))):
            if " " in (text := _text(node)):
                yield Text(f"{path.relative_to(REPOSITORY)}:{node.lineno}", text)


def _strings(node: ast.AST) -> Iterator[ast.JoinedStr | ast.Constant]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.JoinedStr) or (isinstance(child, ast.Constant) and isinstance(child.value, str)):
            yield child
        else:
            yield from _strings(child)


def _text(node: ast.JoinedStr | ast.Constant) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "THAT" for part in parts)


TEXTS = list(texts())


def all_flags(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            child = command.get_command(click.Context(command), name)
            assert child is not None
            yield from all_flags(child)


def spelled(flag: str) -> str:
    return "--" + flag.partition("=")[0].removeprefix("--").replace("-", "_")


def found(pattern: str) -> list[tuple[str, str]]:
    """What is found of a pattern, and where; each but once a place."""
    return [(text.place, match) for text in TEXTS for match in dict.fromkeys(re.findall(pattern, text.text))]


def test_a_command_that_is_advised_exists_with_its_flags() -> None:
    advised = found(r"`?ocr-pipeline ([a-z][a-z_-]+(?: [^`;:.,()]*)?)")
    for place, line in advised:
        words = tuple(word for word in shlex.split(line.replace("'", "")) if word)
        command, rest = command_of(words)
        flags = {spelled(word) for word in rest if word.startswith("--")}
        assert flags <= {*map(spelled, all_flags(command))}, f"{place}: {line}"
    assert len(advised) > 30


def test_a_flag_that_is_advised_is_one_of_ours_or_of_a_program_that_is_named() -> None:
    ours = {"--help", *(spelled(flag) for flag in all_flags(cli) if flag.startswith("--"))}
    advised = [text for text in TEXTS if not any(program in text.text for program in OTHER_PROGRAMS)]
    for text in advised:
        for flag in re.findall(r"(?<![\w-])--[a-z][\w-]*", text.text):
            assert spelled(flag) in ours, f"{text.place}: {flag}"


def test_a_variable_that_is_advised_is_in_the_table() -> None:
    known = {variable for settings in SETTINGS for each in settings_in(settings) for variable in each.variables}
    for place, name in found(r"\b(OCR_PIPELINE_[A-Z_]*[A-Z]|FAST_[A-Z_]*[A-Z]|[A-Z]+_LMDB_PATHS|LMDB_PATHS)\b"):
        assert name in known | set(PLACES) | READ_ELSEWHERE, f"{place}: {name}"


def test_a_make_target_that_is_advised_exists() -> None:
    for place, target in found(r"`make ([a-z-]+)`"):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), f"{place}: make {target}"


def test_an_extra_that_is_advised_exists() -> None:
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    for place, extra in found(r"ocr_pipeline\[([a-z-]+)\]"):
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), f"{place}: {extra}"


@pytest.mark.parametrize(
    "text", [Text("here", "Run `ocr-pipeline mrege --all`."), Text("here", "Say --acept-loss now.")]
)
def test_a_wrong_one_would_be_found(text: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.TEXTS", [text])
    with pytest.raises(AssertionError):
        test_a_command_that_is_advised_exists_with_its_flags()
        test_a_flag_that_is_advised_is_one_of_ours_or_of_a_program_that_is_named()
