"""Where the labels come from, where the artifacts go, and by what keys Dagster knows them."""

import dataclasses
import os
from pathlib import Path

import dagster as dg
from pydantic import Field

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.synthetic import source_of
from ocr_pipeline.release.recipe_file import RECIPE_VARIABLE
from ocr_pipeline.storage.artifacts.workspace import OUTPUT_VARIABLE, Workspace
from ocr_pipeline.storage.source.share import SOURCE_VARIABLE, Share


class Locations(dg.ConfigurableResource):
    """The share and the folder of all artifacts; each falls back to its environment variable."""

    source: str = Field(
        default="",
        description=f"Folder or fsspec URL of the AI-Hub sets; empty: {SOURCE_VARIABLE}. Runs record what stands here: "
        "a password belongs into the variable.",
    )
    output: str = Field(
        default="", description=f"Folder or s3:// URL of all artifacts; empty: {OUTPUT_VARIABLE}, else ./data."
    )

    recipe: str = Field(
        default="",
        description=f"Recipe file; empty: {RECIPE_VARIABLE}, else recipe.yaml in the output folder.",
    )
    key_prefix: list[str] = Field(default=[], description="What stands before the name of each asset in its key.")

    def key(self, stage: str) -> dg.AssetKey:
        """The key of a stage's asset."""
        return dg.AssetKey([*self.key_prefix, stage])

    @property
    def share(self) -> Share:
        return Share.from_environment({**os.environ, **({SOURCE_VARIABLE: self.source} if self.source else {})})

    def source_of(self, partition: SourcePartition) -> Share:
        """Where the labels and pictures of a partition lie; one that is drawn needs no share."""
        return source_of(partition, None if partition.dataset.is_drawn else self.share, self.workspace)

    @property
    def workspace(self) -> Workspace:
        named = {OUTPUT_VARIABLE: self.output} if self.output else {}
        workspace = Workspace.from_environment({**os.environ, **named})
        return dataclasses.replace(workspace, recipe=Path(self.recipe)) if self.recipe else workspace


def stage_of(key: dg.AssetKey) -> str:
    """The stage whose asset has this key."""
    return key.path[-1]
