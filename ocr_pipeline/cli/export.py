"""export-fast: the detector for other runtimes."""

from __future__ import annotations

from pathlib import Path

import click

from ocr_pipeline.cli.tables import print_table


@click.command("export-fast")
@click.option("--checkpoint", type=click.Path(path_type=Path), required=True, help="A detector, in any layout of FAST.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The .onnx file to write.")
def export_fast(checkpoint: Path, output: Path) -> None:
    """Write a detector as ONNX; how to feed it stands in the file's metadata (needs the extra `export`)."""
    from ocr_pipeline import fast

    metadata = fast.export_onnx(checkpoint, output)
    print_table(f"{output}", ("metadata", "value"), sorted(metadata.items()))
