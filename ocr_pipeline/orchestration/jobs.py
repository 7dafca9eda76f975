"""What is usually run together."""

from collections.abc import Callable, Mapping

import dagster as dg

from ocr_pipeline.orchestration.dagster_private import UnresolvedAssetJobDefinition
from ocr_pipeline.storage.artifacts.stages import Job, stages_of

DATA_JOB = "data"
INBOX_JOB = "inbox"

_DESCRIPTIONS: dict[Job, str] = {
    "data": "Labels to training data and what it is like, for one data set and split.",
    "review": "Labels that are probably wrong, of one data set and split.",
    "training": "Both trainings, on all data that is published (or what the recipe names); the better one is used.",
    "inference": "The pages and words of the inbox, through the published checkpoints.",
    "judging": "What the published checkpoints are worth on the validation pages, beside others.",
}

_READS_INBOX = "The pages of the inbox, read by both champions."


def jobs(recipes: Mapping[str, str], key: Callable[[str], dg.AssetKey]) -> list[UnresolvedAssetJobDefinition]:
    """All jobs.

    Args:
        recipes: tags of each run of a training, by which it keeps its recipe.
        key: of the asset of a stage.
    """
    stages = [
        dg.define_asset_job(
            job,
            dg.AssetSelection.assets(*map(key, stages_of(job))),
            description=description,
            run_tags=recipes if job == "training" else None,
        )
        for job, description in _DESCRIPTIONS.items()
    ]
    inbox = dg.define_asset_job(INBOX_JOB, dg.AssetSelection.assets(key("readings")), description=_READS_INBOX)
    return [*stages, inbox]
