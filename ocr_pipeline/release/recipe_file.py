"""The recipe file: what the training assets use unless a run's config says otherwise.

``OCR_PIPELINE_RECIPE`` names a YAML file, else ``recipe.yaml`` in the output folder is taken if it is there. It has a
section for each of `SECTIONS`; those of the trainings have the keys of the asset's config:

    fast_checkpoint:
      config: base_736.yaml
      options: {batch_size: 8, amp: true}
    dlora_checkpoint:
      partitions: [handwriting_train, handwriting_valid]
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.settings import Settings, Values, no_such
from ocr_pipeline.storage.artifacts.workspace import Workspace

RECIPE_VARIABLE = "OCR_PIPELINE_RECIPE"
RECIPE_NAME = "recipe.yaml"
SECTIONS = ("fast_checkpoint", "dlora_checkpoint", "champion", "automation", "synthetic")

S = TypeVar("S", bound=Settings)


def recipe_settings(
    settings: type[S], section: str, workspace: Workspace, environment: Mapping[str, str] = os.environ
) -> S:
    """Settings as a section of the recipe says, and the variables over it.

    Raises:
        PipelineError: recipe or variables cannot be read, or hold what cannot be.
    """
    return settings.from_layers(
        recipe_values(settings, section, workspace, environment), settings.read_environment(environment)
    )


def recipe_values(
    settings: type[Settings], section: str, workspace: Workspace, environment: Mapping[str, str] = os.environ
) -> Values:
    """What a section of the recipe says; nothing where there is no recipe.

    Raises:
        PipelineError: the file that is named is missing, it is no YAML of that form, or a key or a value of the
            section makes no sense.
    """
    recipe = _recipe_path(workspace, environment)
    if recipe is None:
        return {}
    content = _content(recipe)
    for name in content:
        if name not in SECTIONS:
            raise no_such(name, list(SECTIONS), str(recipe))
    given = content.get(section) or {}
    if not isinstance(given, dict):
        raise PipelineError(
            f"the recipe has no settings by name for {section}", where=recipe, remedy="Write a section of `key: value`."
        )
    return settings.read_named(given, f"{recipe}, {section}")


def _content(recipe: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(recipe.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PipelineError(
            f"the recipe cannot be read ({error})",
            where=recipe,
            remedy=f"Correct it, or let {RECIPE_VARIABLE} name another.",
        ) from error
    if isinstance(content, dict):
        return content
    raise PipelineError(
        "the recipe has no sections", where=recipe, remedy=f"Write one or more of {', '.join(SECTIONS)}."
    )


def _recipe_path(workspace: Workspace, environment: Mapping[str, str]) -> Path | None:
    if named := workspace.recipe or environment.get(RECIPE_VARIABLE):
        return Path(named)
    beside = workspace.root / RECIPE_NAME
    return beside if beside.exists() else None
