"""The guide's commands; each calls the same stage that the asset of its name calls."""

from __future__ import annotations

import logging
import sys
import warnings

import click

from ocr_pipeline import __version__
from ocr_pipeline.errors import PipelineError

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
    "adopt": "ocr_pipeline.cli.adopt:adopt_command",
    "merge-dlora": "ocr_pipeline.cli.export:merge_dlora",
    "export-dlora": "ocr_pipeline.cli.export:export_dlora",
    "compare-recognizers": "ocr_pipeline.cli.recognizers:compare_recognizers",
    "status": "ocr_pipeline.cli.status:status",
    "backfill": "ocr_pipeline.cli.backfill:backfill",
    "automation": "ocr_pipeline.cli.automation:automation",
    "demo": "ocr_pipeline.cli.demo:demo",
}


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
    """Run the command line: exit code 0 done, 1 an error the user can mend, 2 a wrong flag."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    logging.getLogger("ocr_pipeline").setLevel(logging.INFO)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it tells of kernels that it does without
    warnings.filterwarnings("ignore", ".*is_gradient_checkpointing.*")  # peft's concern, not the user's
    try:
        cli()
    except PipelineError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
