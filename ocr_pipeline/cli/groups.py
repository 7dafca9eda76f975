"""Which command or flag was meant, where there is none of a name."""

from __future__ import annotations

import difflib

import click

from ocr_pipeline.cli.typed import on_latin_keys
from ocr_pipeline.settings import no_such


class GuessingGroup(click.Group):
    """Guesses a name that is mistyped, or typed with the keyboard on Hangul; ``help VERB`` is ``VERB --help``."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(context, [*args[1:], "--help"] if args[:1] == ["help"] else args)

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(context, name) is None and not context.resilient_parsing:
            error = no_such(on_latin_keys(name), self.list_commands(context), "the commands")
            context.fail(f"No such command {name!r}. {error.remedy}")
        return super().resolve_command(context, args)


def guessed(error: click.NoSuchOption) -> click.UsageError:
    """The error for a flag that there is none of; it tells the one that a keyboard gives which is not on Hangul."""
    meant, command = on_latin_keys(error.option_name), error.ctx.command if error.ctx else None
    if meant != error.option_name and command:
        flags = [flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)]
        if close := difflib.get_close_matches(meant, flags, 1):
            return click.UsageError(f"{error.message} Did you mean {close[0]!r}?", error.ctx)
    return error
