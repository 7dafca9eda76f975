"""What a run holds on to until it ends, its retries included: the recipe of its trainings, and the data they began on.

Both are noted in tags of the run, which a retry inherits. The recipe is that of the code location as it was loaded when
the job or the automation asked for the run; a training materialised by itself notes it when it begins. What the run's
own config says comes before either. The data is noted when the training first looks at it: until then it may change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import dagster as dg
import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.release.recipe import Recipe
from ocr_pipeline.release.sections import TrainingSection
from ocr_pipeline.settings import Values
from ocr_pipeline.storage.artifacts.workspace import Workspace

S = TypeVar("S", bound=TrainingSection)


def recipe_tags(sections: Mapping[str, TrainingSection | PipelineError]) -> dict[str, str]:
    """The recipes of trainings as tags of a run; none where one makes no sense."""
    sound = {asset: each for asset, each in sections.items() if isinstance(each, TrainingSection)}
    return {_recipe_tag(asset): _as_json(vars(each)) for asset, each in sound.items()}


def pinned_recipe(section: type[S], context: dg.AssetExecutionContext, workspace: Workspace) -> S:
    """The recipe of the run, and over it what its config says.

    Raises:
        PipelineError: one of them holds what cannot be.
    """
    tag, where = _recipe_tag(section.asset), f"the config of {section.asset}"
    noted = section.read_named(
        msgspec.json.decode(_noted(context, tag, lambda: _as_json(vars(section.of(workspace))))), tag
    )
    config: Mapping[str, Any] = context.run.run_config
    said = config.get("ops", {}).get(section.asset, {}).get("config", {})
    return section.from_layers(_over(noted, section.read_named(said, where)))


def demand_same_data(context: dg.AssetExecutionContext, asset: str, recipe: Recipe) -> None:
    """Note what a training begins on; a retry goes on with that, or not at all.

    Raises:
        PipelineError: it is another by now.
    """
    now = {item.name: item.fingerprint for item in recipe.inputs}
    then = msgspec.json.decode(
        _noted(context, f"ocr_pipeline/data.{asset}", lambda: _as_json(now)), type=dict[str, str]
    )
    if changed := sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name)):
        raise PipelineError(
            f"the data has changed since this run began to train: {', '.join(changed)}",
            where=f"run {context.run.run_id}",
            remedy="Launch a new run: it learns from the data as it is now.",
        )


def _recipe_tag(asset: str) -> str:
    return f"ocr_pipeline/recipe.{asset}"


def _noted(context: dg.AssetExecutionContext, tag: str, now: Callable[[], str]) -> str:
    """What the run notes under a tag; ``now`` if that is nothing yet."""
    run = context.instance.get_run_by_id(context.run.run_id) or context.run  # an earlier try may have noted it
    if tag not in run.tags:
        context.instance.add_run_tags(run.run_id, {tag: now()})
    return run.tags.get(tag) or now()


def _as_json(values: Mapping[str, object]) -> str:
    return msgspec.json.encode(values, enc_hook=str).decode()


def _over(base: Values, above: Values) -> Values:
    """One over the other, option for option."""
    inner = {
        name: {**base[name], **value}
        for name, value in above.items()
        if isinstance(value, Mapping) and isinstance(base.get(name), Mapping)
    }
    return {**base, **above, **inner}
