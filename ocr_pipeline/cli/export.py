"""Detector and recognizer for other programs: as ONNX, or as a plain model that transformers loads."""

from __future__ import annotations

from pathlib import Path

import click

from ocr_pipeline.cli.options import overwrite_option, stacked
from ocr_pipeline.cli.tables import print_table


@click.command("export-fast")
@click.option("--checkpoint", type=click.Path(path_type=Path), required=True, help="A detector, in any layout of FAST.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The .onnx or .pth file to write.")
@click.option("--config", type=click.Path(path_type=Path), help="Configuration that a .pth file shall carry.")
@click.option(
    "--mixed_with",
    type=click.Path(path_type=Path),
    help="The detector that the training began with: a .pth file gets weights halfway between the two.",
)
@overwrite_option
def export_fast(checkpoint: Path, output: Path, config: Path | None, mixed_with: Path | None, overwrite: bool) -> None:
    """Write a detector as ONNX, or as a small .pth to start from.

    How to feed the ONNX file stands in its metadata (needs the extra `export`). The .pth is in half precision. The
    card with data and scores lies beside either, as .md.
    """
    from ocr_pipeline import fast

    if output.suffix == ".pth":
        carried = fast.read_config(config) if config else None
        fast.export_weights(checkpoint, output, carried, mixed_with=mixed_with, overwrite=overwrite)
        click.echo(f"{output}: {output.stat().st_size / 1e6:.1f} MB")
        return
    if config or mixed_with:
        raise click.UsageError("--config and --mixed_with are for a .pth file; export that as .onnx afterwards.")
    metadata = fast.export_onnx(checkpoint, output, overwrite=overwrite)
    print_table(f"{output}", ("metadata", "value"), sorted(metadata.items()))


_from_dlora = stacked(
    click.option(
        "--ckpt", type=click.Path(exists=True, path_type=Path), required=True, help="checkpoint-N of a training."
    ),
    click.option("--output", type=click.Path(path_type=Path), required=True, help="The folder to write."),
    click.option("--base", default=None, help="Base model; without: the one the checkpoint names."),
    overwrite_option,
)


@click.command("export-dlora")
@_from_dlora
@click.option("--max_len", "longest", default=64, show_default=True, help="Most tokens, for the metadata.")
def export_dlora(ckpt: Path, output: Path, base: str | None, longest: int, overwrite: bool) -> None:
    """Write a recognizer as ONNX: encoder, decoder and tokenizer (needs the extra `export`)."""
    from ocr_pipeline.recognition import dlora

    metadata = dlora.export_onnx(ckpt, output, base=base, longest=longest, overwrite=overwrite)
    print_table(f"{output}", ("metadata", "value"), sorted(metadata.items()))


@click.command("merge-dlora")
@_from_dlora
def merge_dlora(ckpt: Path, output: Path, base: str | None, overwrite: bool) -> None:
    """Work the adapters of a checkpoint into its base: a plain Hugging Face folder that transformers loads."""
    from ocr_pipeline.recognition import dlora

    click.echo(f"{ckpt} merged -> {dlora.merge_checkpoint(ckpt, output, base=base, overwrite=overwrite)}")
