"""Published data for other tools."""

from __future__ import annotations

from pathlib import Path

import click

from ocr_pipeline.cli.options import output_option, overwrite_option, partition_option
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.export import FORMS, export_data
from ocr_pipeline.storage.artifacts.workspace import Workspace


@click.command("export-data")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--to", "form", type=click.Choice(list(FORMS)), required=True, help="Whose form.")
@output_option
@partition_option
@overwrite_option
def export_data_command(
    folder: Path, form: str, workspace: Workspace, partitions: list[SourcePartition], overwrite: bool
) -> None:
    """Write crops (hf, webdataset, ppocr, lmdb) or pages (coco, layout-lmdb) for other tools into FOLDER.

    Each sample has its origin with it. An LMDB in parts becomes one file.
    """
    counts = export_data(workspace, partitions, form, folder, overwrite=overwrite)
    print_table(f"{folder}", ("artifact", "samples"), list(counts.items()))
