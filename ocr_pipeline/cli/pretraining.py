"""Words drawn to order, and a recognizer that learns from nothing else."""

from __future__ import annotations

from pathlib import Path

import click

from ocr_pipeline.cli.options import settings_options, workers_option
from ocr_pipeline.cli.training import end_of
from ocr_pipeline.data.synthetic.settings import WordSetSettings
from ocr_pipeline.data.synthetic.word_set import draw_words
from ocr_pipeline.training.stopping import TrainingStoppedError


@click.command("pretrain-recognizer")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--recipe", type=click.Path(path_type=Path), help="YAML; without: how the shipped recognizer was made.")
@click.option("--set", "changes", multiple=True, metavar="FIELD=VALUE", help="Changes a field of it; may be repeated.")
@click.option("--workers", default=1, show_default=True, help="Processes that draw.")
@click.option("--threads", default=1, show_default=True, help="Threads that learn.")
def pretrain_recognizer(
    folder: Path, recipe: Path | None, changes: tuple[str, ...], workers: int, threads: int
) -> None:
    """Pre-train a Korean recognizer on drawn words; state and curve stand in FOLDER, the model in FOLDER/model.

    SIGTERM saves and ends it with exit code 143; the same command goes on from there. `make fonts` brings typefaces.
    """
    import torch

    from ocr_pipeline.recognition.pretraining.recipe import STANDARD, read_recipe
    from ocr_pipeline.recognition.pretraining.training import pretrain

    torch.set_num_threads(threads)
    fields = dict(change.split("=", 1) for change in changes if "=" in change)
    if len(fields) < len(changes):
        raise click.BadParameter("give each as FIELD=VALUE, and once", param_hint="--set")
    try:
        model = pretrain(read_recipe(recipe or STANDARD, fields), folder, workers=workers)
    except TrainingStoppedError as error:
        end_of(error)
    click.echo(f"the recognizer -> {model}")


@click.command("draw-words")
@click.argument("output", type=click.Path(path_type=Path))
@workers_option
@click.option("--rebuild", is_flag=True, help="Make anew what is current.")
@settings_options(WordSetSettings)
def draw_words_command(output: Path, workers: int, rebuild: bool, settings: WordSetSettings) -> None:
    """Draw Korean words into the recognition LMDB OUTPUT, which LMDB_PATHS of train-dlora may name.

    The same settings give the same bytes; the manifest beside it names every typeface with its licence.
    """
    manifest = draw_words(output, settings, workers=workers, rebuild=rebuild)
    click.echo(f"{manifest.counts.words_out} words in {len(manifest.inputs)} faces and corpora -> {output}")
