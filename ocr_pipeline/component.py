"""The whole graph as a component: a ``defs.yaml`` in somebody's Dagster project says where, and under which prefix."""

from __future__ import annotations

import dagster as dg
from dagster.components import Component, ComponentLoadContext, Model, Resolvable
from pydantic import Field

from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations


class OcrPipelineComponent(Component, Model, Resolvable):
    """Labels to training data, models and read pages.

    Attributes:
        source: folder or fsspec URL of the AI-Hub sets; empty: OCR_PIPELINE_SOURCE.
        output: folder or s3:// URL of all artifacts; empty: OCR_PIPELINE_OUTPUT, else ``data``.
        recipe: file beside this one, or anywhere, that says how to train; empty: OCR_PIPELINE_RECIPE, else the
            ``recipe.yaml`` in the output folder.
        key_prefix: what stands before the name of each asset in its key: ``[ocr]`` makes ``ocr/annotations``.
    """

    source: str = ""
    output: str = ""
    recipe: str = ""
    key_prefix: list[str] = Field(default=[])

    def build_defs(self, context: ComponentLoadContext) -> dg.Definitions:
        """All assets, checks, jobs, sensors and schedules.

        Raises:
            PipelineError: variables, or the recipe but for its trainings, hold what cannot be.
        """
        recipe = str(context.path / self.recipe) if self.recipe else ""
        return build_definitions(
            Locations(source=self.source, output=self.output, recipe=recipe, key_prefix=self.key_prefix)
        )
