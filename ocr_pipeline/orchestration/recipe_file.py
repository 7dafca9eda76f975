"""The recipe file: what the training assets use unless a run's config says otherwise.

``OCR_PIPELINE_RECIPE`` names a YAML file with a section per asset, whose keys are those of the asset's config:

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

RECIPE_VARIABLE = "OCR_PIPELINE_RECIPE"


def recipe_defaults(asset: str) -> dict[str, Any]:
    """The section of one asset; empty where no recipe is set.

    Raises:
        PipelineError: the file is missing, or no YAML of that form.
    """
    name = os.environ.get(RECIPE_VARIABLE)
    if not name:
        return {}
    try:
        content = yaml.safe_load(Path(name).read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise PipelineError(
            f"the recipe cannot be read ({error})", where=name, remedy=f"Correct it, or unset {RECIPE_VARIABLE}."
        ) from error
    section = content.get(asset, {}) if isinstance(content, dict) else None
    if not isinstance(section, dict):
        raise PipelineError(
            f"the recipe has no settings by name for {asset}", where=name, remedy="Write a section of `key: value`."
        )
    return section
