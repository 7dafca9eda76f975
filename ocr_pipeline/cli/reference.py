"""Pages of the docs that are made from the code: the commands, and the reasons of the quarantine.

python -m ocr_pipeline.cli.reference commands > docs/commands.md
python -m ocr_pipeline.cli.reference quarantine_reasons > docs/quarantine_reasons.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import cleandoc

import click

from ocr_pipeline.cli import cli
from ocr_pipeline.cli.verbs import GROUPS, Verb
from ocr_pipeline.data.quarantine_reasons import REASONS


def commands_page() -> Iterator[str]:
    """Every command with what it does and an example, by its group."""
    yield from ("# Commands", "")
    yield "Flags and their defaults: `ocr-pipeline COMMAND --help`. Hyphens and underscores are the same in commands"
    yield "and flags. The exit code is 0 when all went well, 1 for an error you can mend (its message says how), 2 for"
    yield "a wrong flag, 130 after Ctrl-C, which ends any command within seconds; a training ends with 143 after"
    yield "SIGTERM, saved. A reader that leaves (`| head`) stops no work."
    yield ""
    yield 'Completion of commands, flags and values: `eval "$(_OCR_PIPELINE_COMPLETE=bash_source ocr-pipeline)"`, or'
    yield "`zsh_source`, `fish_source`."
    for title, verbs in GROUPS.items():
        yield from ("", f"## {title}")
        for name, verb in verbs.items():
            yield from _command(name, verb)


def _command(name: str, verb: Verb) -> Iterator[str]:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    yield from ("", f"### {name}", "", cleandoc(command.help or "").replace("\b\n", ""))
    yield from ("", "```sh", f"ocr-pipeline {name} {verb.example}".rstrip(), "```")


def quarantine_reasons_page() -> Iterator[str]:
    """Every reason with its meaning, an example and a remedy."""
    yield from ("# Quarantine reasons", "")
    yield "What is set aside is published nowhere and lost nowhere: it stands in the artifact's `.quarantine.parquet`,"
    yield "and is shown by `ocr-pipeline quarantine --reason image_missing`. A page takes its words along."
    for name, reason in REASONS.items():
        yield from ("", f"## {name}", "", reason.meaning, "")
        yield from (f"- Example: {reason.example}", f"- Remedy: {reason.remedy}")


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "commands": commands_page,
    "quarantine_reasons": quarantine_reasons_page,
}
"""Each page that is made here, by its name in ``docs/``."""


@click.command()
@click.argument("page", type=click.Choice(list(PAGES)))
def write(page: str) -> None:
    """Write one page to standard output."""
    click.echo("\n".join(PAGES[page]()))


if __name__ == "__main__":
    write()
