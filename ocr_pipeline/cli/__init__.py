"""The guide's commands; each calls the same stage that the asset of its name calls."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import sys
import threading
import warnings
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click

from ocr_pipeline import __version__
from ocr_pipeline.cli.dotenv import blamed, read_dotenv, working_folder
from ocr_pipeline.cli.groups import GuessingGroup, guessed
from ocr_pipeline.cli.output import StandardStreams, VisibleFormatter, say
from ocr_pipeline.cli.typed import as_meant
from ocr_pipeline.cli.verbs import COMMANDS, GROUPS
from ocr_pipeline.errors import PipelineError, refusals_of_the_machine
from ocr_pipeline.parallel import end_workers
from ocr_pipeline.progress import Progress

_INTERRUPTED = 128 + signal.SIGINT
_INTERRUPTION = "interrupted; what is finished is kept, and the same command goes on from there, a training if told to"
_MOMENT = 3.0  # seconds
_BLINK = 0.3  # seconds between two drawings of a bar
_LONG = 300  # letters of a sentence that is shown whole


class _LazyGroup(GuessingGroup):
    """Imports a command's module when it is asked for: ``--help`` of one does not wait for torch."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        name = name.replace("_", "-")
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].place.partition(":")
        command = getattr(import_module(f"{__name__}.{module}"), attribute)
        command.epilog = f"Example:\n\n\b\n  ocr-pipeline {name} {COMMANDS[name].example}"
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """In groups, each verb with its first sentence."""
        for title, verbs in GROUPS.items():
            with formatter.section(title):
                commands = [(name, self.get_command(context, name)) for name in verbs]
                formatter.write_dl([(name, one.get_short_help_str(_LONG)) for name, one in commands if one])


@click.group(
    cls=_LazyGroup,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 110,
        "token_normalize_func": lambda flag: flag.replace("-", "_"),  # --batch-size is --batch_size
    },
)
@click.version_option(__version__)
def cli() -> None:
    """Raw AI-Hub labels to a trained Korean text detector and recognizer.

    Each command has its own --help. What it works on stands in OCR_PIPELINE_SOURCE and OCR_PIPELINE_OUTPUT, or in the
    .env of the working directory.
    """
    _demand_unicode()


def _demand_unicode() -> None:
    """Refuse an environment in which no file can have a Korean name."""
    if (encoding := sys.getfilesystemencoding()) != "utf-8":
        raise PipelineError(
            f"names of files are {encoding} here, and those of the data sets are Korean",
            where="LC_ALL, LANG, PYTHONUTF8",
            remedy="Set LC_ALL=C.UTF-8, or unset PYTHONUTF8 and PYTHONCOERCECLOCALE.",
        )


def main() -> None:
    """Run the command line: exit code 0 done, 1 an error the user can mend, 2 a wrong flag, 130 Ctrl-C."""
    streams = StandardStreams()
    _log_to(streams)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not what a shell put into the background
        signal.signal(signal.SIGINT, _interrupt)
        sys.unraisablehook = _interrupt_unraised
        sys.warnoptions.append("ignore:resource_tracker")  # it clears up after `_end`, and would tell that it does
    sys.exit(_run(streams))


def _run(streams: StandardStreams) -> int:
    taken = frozenset[str]()
    try:
        taken = read_dotenv(working_folder())
        with refusals_of_the_machine():
            code = cli.main(args=as_meant(sys.argv[1:]), standalone_mode=False, obj=taken)
        streams.demand_told()
        return code or 0
    except click.ClickException as error:
        (guessed(error) if isinstance(error, click.NoSuchOption) else error).show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _interrupted()
    except PipelineError as error:
        if signal.getsignal(signal.SIGINT) is _end:  # what broke off because of it says so in its own way
            return _interrupted()
        say(f"error: {error} {blamed(error, taken)}".rstrip(), err=True)
        return 1


def _interrupted() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is heard
    say(_INTERRUPTION, err=True)
    return _INTERRUPTED


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Ctrl-C: what is under way gets a moment to end in order, or until it comes again."""
    signal.signal(signal.SIGINT, _end)
    last = threading.Timer(_MOMENT, _end)
    last.daemon = True
    last.start()
    signal.default_int_handler(number, frame)


def _interrupt_unraised(lost: sys.UnraisableHookArgs) -> None:
    """Ctrl-C that fell into a destructor or a callback, whose caller Python keeps from hearing of it."""
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
    elif signal.getsignal(signal.SIGINT) is _end:  # not yet answered in another way
        _end()


def _end(*_: object) -> NoReturn:
    """End now with all workers, as by a kill: no artifact is ever half made."""
    end_workers()
    with contextlib.suppress(OSError):
        os.write(2, f"{_INTERRUPTION}\n".encode())
    os._exit(_INTERRUPTED)


def _log_to(streams: StandardStreams) -> None:
    handler = _handler(streams)
    handler.setFormatter(VisibleFormatter("%(asctime)s %(message)s", "%H:%M:%S"))
    handler.addFilter(_is_told_once)
    logging.basicConfig(handlers=[handler])
    logging.getLogger("ocr_pipeline").setLevel(logging.INFO)
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it tells of each retry; the error comes anyway
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it tells of kernels that it does without
    warnings.filterwarnings("ignore", ".*is_gradient_checkpointing.*")  # peft's concern, not the user's


def _handler(streams: StandardStreams) -> logging.StreamHandler:
    """Lines; at a terminal, with a bar below them that goes where something else is written."""
    if not sys.stderr.isatty():
        return logging.StreamHandler(sys.stderr)
    from ocr_pipeline.cli.terminal import TerminalHandler  # rich costs 100 ms

    Progress.watched = _BLINK
    handler = TerminalHandler(sys.stderr)
    streams.call_before(handler.clear)
    atexit.register(handler.clear)
    return handler


def _is_told_once(record: logging.LogRecord) -> bool:
    """Whether nobody else prints it: some libraries bring a handler of their own, and hand their lines on as well."""
    return not logging.getLogger(record.name.partition(".")[0]).handlers
