"""Drawn to order: what the recipe says of the sets that are drawn, done."""

from __future__ import annotations

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.synthetic import SyntheticSettings, draw_source
from ocr_pipeline.release.recipe_file import recipe_settings
from ocr_pipeline.storage.artifacts.manifest import Manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace

SECTION = "synthetic"


def draw_to_order(
    partition: SourcePartition, workspace: Workspace, *, workers: int, rebuild: bool = False
) -> Manifest | None:
    """Draw a partition as the recipe says; None for one that lies on the share.

    Raises:
        PipelineError: the recipe makes no sense, or as `draw_source`.
    """
    if not partition.dataset.is_drawn:
        return None
    settings = recipe_settings(SyntheticSettings, SECTION, workspace)
    return draw_source(partition, workspace, settings, workers=workers, rebuild=rebuild)
