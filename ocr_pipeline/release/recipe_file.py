"""The recipe file: what the training assets use unless a run's config says otherwise.

``OCR_PIPELINE_RECIPE`` names a YAML file, else ``recipe.yaml`` in the output folder is taken if it is there. It has a
section per asset, whose keys are those of the asset's config:

    fast_checkpoint:
      config: base_736.yaml
      options: {batch_size: 8, amp: true}
    dlora_checkpoint:
      partitions: [handwriting_train, handwriting_valid]
"""

import os
from pathlib import Path
from typing import Any

import yaml

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.workspace import Workspace

RECIPE_VARIABLE = "OCR_PIPELINE_RECIPE"
RECIPE_NAME = "recipe.yaml"


def recipe_defaults(asset: str) -> dict[str, Any]:
    """The section of one asset; empty where there is no recipe.

    Raises:
        PipelineError: the file that is named is missing, or it is no YAML of that form.
    """
    recipe = _recipe_path()
    if recipe is None:
        return {}
    try:
        content = yaml.safe_load(recipe.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise PipelineError(
            f"the recipe cannot be read ({error})",
            where=recipe,
            remedy=f"Correct it, or let {RECIPE_VARIABLE} name another.",
        ) from error
    section = content.get(asset, {}) if isinstance(content, dict) else None
    if not isinstance(section, dict):
        raise PipelineError(
            f"the recipe has no settings by name for {asset}", where=recipe, remedy="Write a section of `key: value`."
        )
    return section


def _recipe_path() -> Path | None:
    if named := os.environ.get(RECIPE_VARIABLE):
        return Path(named)
    beside = Workspace.from_environment(os.environ).root / RECIPE_NAME
    return beside if beside.exists() else None
