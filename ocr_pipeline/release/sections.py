"""What the recipe file, and the launchpad over it, say of each training."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.settings import FastTraining
from ocr_pipeline.recognition.dlora.settings import DloraTraining
from ocr_pipeline.recognition.settings import DEFAULT_BASE
from ocr_pipeline.release.recipe import ArtifactOf, ManifestOf, Recipe, choose_data, chosen_partitions
from ocr_pipeline.release.recipe_file import recipe_values
from ocr_pipeline.settings import Setting, Settings
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace

T = TypeVar("T", bound="TrainingSection")

_PARTITIONS = "Partitions to use; empty: all that make sense."
_DESPITE_CHECKS = "Train although the data has leaks, counts that do not add up, or characters the base lacks."
_GPUS = "A process for each of so many GPUs, started and joined as torchrun does it."


@dataclass(frozen=True)
class TrainingSection(Settings):
    """What both trainings are asked.

    Attributes:
        asset: whose section it is.
        fully_labelled: it leaves out sets that are partly labelled, unless they are named.
    """

    asset: ClassVar[str]
    fully_labelled: ClassVar[bool]

    partitions: Annotated[tuple[str, ...], Setting(_PARTITIONS)] = ()
    despite_checks: Annotated[bool, Setting(_DESPITE_CHECKS)] = False
    gpus: Annotated[int, Setting(_GPUS, least=1)] = 1

    @classmethod
    def of(cls: type[T], workspace: Workspace, environment: Mapping[str, str] = os.environ) -> T:
        """What the recipe of an output folder says; the variables where it is silent.

        Raises:
            PipelineError: recipe or variables cannot be read, or hold what cannot be.
        """
        return cls.from_layers(cls.read_environment(environment), recipe_values(cls, cls.asset, workspace, environment))

    def artifact_of(self, workspace: Workspace) -> ArtifactOf:
        """Where that which it learns from lies, by data set and split."""
        raise NotImplementedError

    def choose(self, workspace: Workspace, manifest_of: ManifestOf = read_manifest) -> Recipe:
        """The published data that it learns from now; as `choose_data`."""
        return choose_data(
            self.partitions, self.artifact_of(workspace), fully_labelled=self.fully_labelled, manifest_of=manifest_of
        )


@dataclass(frozen=True)
class FastSection(TrainingSection):
    """The recipe of a detector training."""

    asset = "fast_checkpoint"
    fully_labelled = True

    config: Annotated[str, Setting("A shipped configuration, or the path of a .yaml or mmcv-style .py file.")] = (
        "base_736.yaml"
    )
    checkpoint: Annotated[Path | None, Setting("Weights to start from, in any layout of FAST.")] = None
    options: Annotated[
        Mapping[str, Any],
        Setting(
            "Any other flag of `ocr-pipeline train-fast`.",
            options_of=FastTraining,
            without=("config", "checkpoint", "output_dir", "lmdb_base", "resume", "quiet"),
        ),
    ] = field(default_factory=dict)

    def artifact_of(self, workspace: Workspace) -> ArtifactOf:
        return workspace.layout_lmdb

    def settings(self) -> FastTraining:
        """Those of the training; it takes its folder when it begins."""
        return FastTraining(config=Path(self.config), checkpoint=self.checkpoint, output_dir=Path(), **self.options)


@dataclass(frozen=True)
class DloraSection(TrainingSection):
    """The recipe of a recognizer training."""

    asset = "dlora_checkpoint"
    fully_labelled = False

    model_name_or_path: Annotated[
        str, Setting("Base model: a folder, or a name on the Hugging Face hub.", env="TROCR_BASE")
    ] = DEFAULT_BASE
    output_format: Annotated[
        Literal["lmdb", "jsonl"], Setting("Which annotations to read.", env="FAST_OUTPUT_FORMAT")
    ] = "lmdb"
    options: Annotated[
        Mapping[str, Any],
        Setting(
            "Any other flag of `ocr-pipeline train-dlora`.",
            options_of=DloraTraining,
            without=("model_name_or_path", "output_dir", "resume_from_checkpoint"),
        ),
    ] = field(default_factory=dict)

    def artifact_of(self, workspace: Workspace) -> ArtifactOf:
        return lambda dataset, split: workspace.annotations(dataset, split, self.output_format)

    def settings(self) -> DloraTraining:
        """Those of the training; it takes its folder when it begins."""
        return DloraTraining(self.model_name_or_path, output_dir="", **self.options)


def loaded_sections(workspace: Workspace) -> dict[str, TrainingSection | PipelineError]:
    """The recipe of each training, by the asset's name; where it makes no sense, why not: that is its own concern."""
    return {asset: _section_or_fault(section, workspace) for asset, section in TRAININGS.items()}


def _section_or_fault(section: type[TrainingSection], workspace: Workspace) -> TrainingSection | PipelineError:
    try:
        loaded = section.of(workspace)
        chosen_partitions(loaded.partitions, fully_labelled=loaded.fully_labelled)
        return loaded
    except PipelineError as fault:
        return fault


TRAININGS: dict[str, type[TrainingSection]] = {each.asset: each for each in (FastSection, DloraSection)}
"""By the asset's name."""
