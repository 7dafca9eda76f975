"""Commands that stand together: which one was meant, where there is none of a name."""

from __future__ import annotations

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
