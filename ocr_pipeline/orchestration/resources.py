"""Where the labels come from and where the artifacts go."""

import os

import dagster as dg
from pydantic import Field

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

    @property
    def share(self) -> Share:
        return Share.from_environment({**os.environ, **({SOURCE_VARIABLE: self.source} if self.source else {})})

    @property
    def workspace(self) -> Workspace:
        return Workspace.from_environment({**os.environ, **({OUTPUT_VARIABLE: self.output} if self.output else {})})
