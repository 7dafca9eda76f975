"""Pages drawn to order, for a detector to learn from."""

from __future__ import annotations

from pathlib import Path

import click

from ocr_pipeline.cli.options import settings_options, workers_option
from ocr_pipeline.data.layout_lmdb import DrawnLayouts, Split, draw_layouts
from ocr_pipeline.data.synthetic.faces import judging_faces, korean_faces, training_faces


@click.command("draw-pages")
@click.option(
    "--lmdb_base",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder that gets synthetic_train_layout.lmdb and synthetic_valid_layout.lmdb.",
)
@click.option("--pages", default=1000, show_default=True, help="Pages to train on.")
@click.option("--valid_pages", default=40, show_default=True, help="Pages to validate on.")
@settings_options(DrawnLayouts)
@click.option("--fonts", type=click.Path(path_type=Path), help="Folder of further fonts.  [env: OCR_PIPELINE_FONTS]")
@click.option("--held_out", is_flag=True, help="Draw in the faces that nothing is trained on, to judge by.")
@workers_option
def draw_pages(
    lmdb_base: Path,
    pages: int,
    valid_pages: int,
    settings: DrawnLayouts,
    fonts: Path | None,
    held_out: bool,
    workers: int,
) -> None:
    """Draw Korean pages with the corners of every word, as layout LMDBs for train-fast."""
    faces = (judging_faces if held_out else training_faces)(korean_faces(fonts))
    counts: dict[Split, int] = {"train": pages, "valid": valid_pages}
    for split, count in counts.items():
        if count:
            path = draw_layouts(lmdb_base, split, count, faces, settings, workers=workers)
            click.echo(f"{count} pages in {len(faces)} faces -> {path}")
