"""What can be done with trained recognisers: merge one into a plain model, compare several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ocr_pipeline.cli.options import spellings
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.cli.training import data_paths

_SHOWN = ("cer", "cer_low", "cer_high", "cer_no_spaces", "cer_nfkc", "cer_jamo", "wer", "one_minus_ned", "exact")


@click.command("merge-dlora")
@click.option("--ckpt", type=click.Path(path_type=Path), required=True, help="checkpoint-N of a training.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The folder to write.")
@click.option("--base", default=None, help="Base model; without: the one the checkpoint names.")
def merge_dlora(ckpt: Path, output: Path, base: str | None) -> None:
    """Work the adapters of a checkpoint into its base: a plain Hugging Face folder that transformers loads."""
    from ocr_pipeline.recognition import dlora

    click.echo(f"{ckpt} merged -> {dlora.merge_checkpoint(ckpt, output, base=base)}")


@click.command("compare-recognizers")
@click.option("--data", required=True, help="Recognition LMDBs or JSONL files, parted by colons.")
@click.option("--base", envvar="TROCR_BASE", default="ddobokki/ko-trocr", show_default=True, help="Base of --ckpt.")
@click.option("--ckpt", "ckpts", type=click.Path(path_type=Path), multiple=True, help="A checkpoint; may be repeated.")
@click.option("--ppocr", type=click.Path(path_type=Path), help="Folder of a PP-OCRv5 recogniser.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--samples", default=1000, show_default=True, help="Crops, drawn evenly from all data; 0: all.")
@click.option(*spellings("batch_size"), "batch_size", default=16, show_default=True, help="Crops read at once.")
@click.option(
    *spellings("output_dir"), "output_dir", type=click.Path(path_type=Path), help="Folder for every reading and score."
)
def compare_recognizers(
    data: str, base: str, ckpts: tuple[Path, ...], ppocr: Path | None, device: str, **settings: Any
) -> None:
    """Read the same crops with the base, with each checkpoint and with PP-OCRv5, and print the scores."""
    from ocr_pipeline import recognition
    from ocr_pipeline.recognition import dlora

    recognizers: dict[str, recognition.TextRecognizer] = {"base": dlora.load_recognizer(base, device=device)}
    for name, ckpt in _names(ckpts).items():
        recognizers[name] = dlora.load_recognizer(base, ckpt, device=device)
    if ppocr:
        recognizers["ppocr"] = recognition.PpOcrRecognizer(ppocr, device=device)
    else:
        click.echo(f"without PP-OCRv5: {recognition.PpOcrRecognizer.DOWNLOAD}, then --ppocr ppocr_korean", err=True)
    compared = recognition.compare(recognizers, data_paths("--data", {"--data": data}), **settings)
    rows = [
        (
            entry.name,
            entry.scores.count,
            *(f"{getattr(entry.scores, name):.4f}" for name in _SHOWN),
            f"{entry.crops_per_second:.1f}",
        )
        for entry in compared
    ]
    print_table("recognisers", ("recogniser", "crops", *_SHOWN, "crops/s"), rows)


def _names(ckpts: tuple[Path, ...]) -> dict[str, Path]:
    """A name for each checkpoint: the last two parts of its path, or as many more as tell them apart."""
    paths = list(dict.fromkeys(ckpt.absolute() for ckpt in ckpts))
    depth = 2
    while len(names := {"/".join(path.parts[1:][-depth:]): path for path in paths}) < len(paths):
        depth += 1
    return names
