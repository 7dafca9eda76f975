"""Several recognizers on the same crops, whoever trained them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ocr_pipeline.cli.options import overwrite_option
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.devices.names import A_DEVICE
from ocr_pipeline.recognition.settings import DEFAULT_BASE

_SHOWN = ("cer", "cer_low", "cer_high", "cer_no_spaces", "cer_nfkc", "cer_jamo", "wer", "one_minus_ned", "exact")


@click.command("compare-recognizers")
@click.option("--data", required=True, help="Recognition LMDBs or JSONL files, parted by colons.")
@click.option(
    "--base",
    envvar="TROCR_BASE",
    help=f"The yardstick, and the base of adapters [default: {DEFAULT_BASE}; each checkpoint's own].",
)
@click.option(
    "--ckpt",
    "ckpts",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Checkpoint of any recognizer; may be repeated.",
)
@click.option("--ppocr", type=click.Path(path_type=Path), help="Folder of a PP-OCRv5 recognizer.")
@click.option("--device", default="auto", show_default=True, help=f"{A_DEVICE}.")
@click.option(
    "--samples",
    type=click.IntRange(0),
    default=1000,
    show_default=True,
    help="Crops, drawn evenly from all data; 0: all.",
)
@click.option(
    "--batch_size",
    type=click.IntRange(1),
    default=16,
    show_default=True,
    help="Crops read at once.",
)
@click.option("--output_dir", type=click.Path(path_type=Path), help="Folder for every reading and score.")
@overwrite_option
def compare_recognizers(
    data: str, base: str | None, ckpts: tuple[Path, ...], ppocr: Path | None, device: str, **settings: Any
) -> None:
    """Read the same crops with the base, with each checkpoint and with PP-OCRv5, and print the scores."""
    from ocr_pipeline import recognition

    paths: dict[str, str | Path] = {"base": base or DEFAULT_BASE, **_names(ckpts)}
    if ppocr:
        paths["ppocr"] = ppocr
    else:
        click.echo(f"without PP-OCRv5: {recognition.PpOcrRecognizer.DOWNLOAD}, then --ppocr ppocr_korean", err=True)
    how = recognition.Loading(device, base=base)
    recognizers = {name: recognition.load_recognizer(path, how) for name, path in paths.items()}
    compared = recognition.compare(recognizers, [Path(path) for path in data.split(":") if path], **settings)
    rows = [
        (
            entry.name,
            entry.scores.count,
            *(f"{getattr(entry.scores, name):.4f}" for name in _SHOWN),
            f"{entry.crops_per_second:.1f}",
        )
        for entry in compared
    ]
    print_table("recognizers", ("recognizer", "crops", *_SHOWN, "crops/s"), rows)


def _names(ckpts: tuple[Path, ...]) -> dict[str, Path]:
    """A name for each checkpoint: the last two parts of its path, or as many more as tell them apart."""
    paths = list(dict.fromkeys(ckpt.absolute() for ckpt in ckpts))
    depth = 2
    while len(names := {"/".join(path.parts[1:][-depth:]): path for path in paths}) < len(paths):
        depth += 1
    return names
