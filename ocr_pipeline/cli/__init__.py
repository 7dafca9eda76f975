"""The guide's commands; each calls the same stage that the asset of its name calls."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import warnings
from types import FrameType
from typing import NoReturn, TextIO

import click

from ocr_pipeline import __version__
from ocr_pipeline.cli.output import StandardStreams, VisibleFormatter, say
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.parallel import end_workers

COMMANDS = {
    "merge": "ocr_pipeline.cli.data:merge",
    "lookup": "ocr_pipeline.cli.data:lookup",
    "annotations": "ocr_pipeline.cli.data:annotations_command",
    "layout": "ocr_pipeline.cli.data:layout",
    "draw-pages": "ocr_pipeline.cli.drawing:draw_pages",
    "quarantine": "ocr_pipeline.cli.quarantine:quarantine",
    "quality": "ocr_pipeline.cli.quality:quality",
    "paddle-env": "ocr_pipeline.cli.data:paddle_env",
    "train-fast": "ocr_pipeline.cli.training:train_fast_command",
    "export-fast": "ocr_pipeline.cli.export:export_fast",
    "detect": "ocr_pipeline.cli.inference:detect",
    "train-dlora": "ocr_pipeline.cli.training:train_dlora_command",
    "draw-words": "ocr_pipeline.cli.pretraining:draw_words_command",
    "pretrain-recognizer": "ocr_pipeline.cli.pretraining:pretrain_recognizer",
    "recognize": "ocr_pipeline.cli.inference:recognize",
    "check-base": "ocr_pipeline.cli.training:check_base",
    "adopt": "ocr_pipeline.cli.adopt:adopt_command",
    "merge-dlora": "ocr_pipeline.cli.export:merge_dlora",
    "export-dlora": "ocr_pipeline.cli.export:export_dlora",
    "compare-recognizers": "ocr_pipeline.cli.recognizers:compare_recognizers",
    "status": "ocr_pipeline.cli.status:status",
    "backfill": "ocr_pipeline.cli.backfill:backfill",
    "automation": "ocr_pipeline.cli.automation:automation",
    "demo": "ocr_pipeline.cli.demo:demo",
}


_INTERRUPTED = 128 + signal.SIGINT
_INTERRUPTION = "interrupted; what is finished is kept, and the same command goes on from there"
_MOMENT = 3.0  # seconds


class _LazyGroup(click.Group):
    """Imports a command's module when it is asked for: ``--help`` of one does not wait for torch."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        name = name.replace("_", "-")
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        return getattr(__import__(module, fromlist=[attribute]), attribute)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__)
def cli() -> None:
    """Raw AI-Hub labels to a trained Korean text detector and recognizer."""


def main() -> None:
    """Run the command line: exit code 0 done, 1 an error the user can mend, 2 a wrong flag, 130 Ctrl-C."""
    streams = StandardStreams()
    _log_to(sys.stderr)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not what a shell put into the background
        signal.signal(signal.SIGINT, _interrupt)
    sys.exit(_run(streams))


def _run(streams: StandardStreams) -> int:
    try:
        code = cli.main(standalone_mode=False)
        streams.demand_told()
        return code or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _interrupted()
    except PipelineError as error:
        if signal.getsignal(signal.SIGINT) is _end:  # what broke off because of it says so in its own way
            return _interrupted()
        say(f"error: {error}", err=True)
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


def _end(*_: object) -> NoReturn:
    """End now with all workers, as by a kill: no artifact is ever half made."""
    end_workers()
    with contextlib.suppress(OSError):
        os.write(2, f"{_INTERRUPTION}\n".encode())
    os._exit(_INTERRUPTED)


def _log_to(stream: TextIO) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(VisibleFormatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logging.basicConfig(handlers=[handler])
    logging.getLogger("ocr_pipeline").setLevel(logging.INFO)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it tells of kernels that it does without
    warnings.filterwarnings("ignore", ".*is_gradient_checkpointing.*")  # peft's concern, not the user's
