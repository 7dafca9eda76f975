"""Training by itself: once its data has settled, enough of it has changed, and never twice for the same data.

Dagster's part counts data versions, not materialisations: data that was made again and came out the same asks for
nothing, and a request is answered once, also where the training then fails. How much is enough, the manifests tell.
"""

import time
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.automation.settings import AutomationSettings
from ocr_pipeline.orchestration.resources import Locations, stage_of
from ocr_pipeline.release.recipe import NothingToLearnFromError, Recipe
from ocr_pipeline.release.sections import TRAININGS
from ocr_pipeline.release.soundness import objections
from ocr_pipeline.storage.artifacts.manifest import known_manifest, published_at
from ocr_pipeline.storage.artifacts.stages import stages_of
from ocr_pipeline.storage.artifacts.workspace import Workspace


def recipe_of(workspace: Workspace, asset: str) -> Recipe | None:
    """What a training would learn from now, by the recipe file; None as long as nothing is published."""
    try:
        return TRAININGS[asset].of(workspace).choose(workspace, known_manifest)
    except NothingToLearnFromError:
        return None


def changed_share(workspace: Workspace, asset: str) -> float:
    """Which part of the words to learn from stands in artifacts that the checkpoint has not seen as they are now.

    0 to 1; 1 without a checkpoint, 0 without data. A partition counts as a whole, however little of it is new.
    """
    recipe, checkpoint = recipe_of(workspace, asset), getattr(workspace, asset)
    if recipe is None:
        return 0.0
    trained = known_manifest(checkpoint)
    learned = {item.name: item.fingerprint for item in trained.inputs} if trained else {}
    manifests = {path.name: manifest for path in recipe.train if (manifest := known_manifest(path))}
    new = sum(m.counts.words_out for name, m in manifests.items() if learned.get(name) != m.fingerprint)
    return new / max(1, recipe.counts.words_in)


def seconds_settled(workspace: Workspace, asset: str, now: float) -> float:
    """For how long none of the data of a training has been published anew; 0 without data.

    What a clock that was set since dates in the future counts by how far it is from now.
    """
    recipe = recipe_of(workspace, asset)
    artifacts: tuple[Path, ...] = (*recipe.train, *recipe.valid) if recipe else ()
    return min((abs(now - published_at(path)) for path in artifacts), default=0.0)


def shortfall(workspace: Workspace, asset: str, settings: AutomationSettings, now: float) -> str:
    """What keeps a training from starting by itself, in words; empty if nothing does.

    What cannot be read is one of these things: it concerns this training, and no other.
    """
    try:
        return _shortfall(workspace, asset, settings, now)
    except PipelineError as error:
        return f"wait: {error}"


def _shortfall(workspace: Workspace, asset: str, settings: AutomationSettings, now: float) -> str:
    recipe = recipe_of(workspace, asset)
    if recipe is None:
        return "wait: nothing to learn from is published"
    share, settled = changed_share(workspace, asset), seconds_settled(workspace, asset, now)
    if share <= 0:
        return "wait: no words are new"
    if share < settings.train_share:
        return f"wait: {share:.1%} of the words are new, {settings.train_share:.0%} must be"
    if settled < settings.quiet_seconds:
        return f"wait: the data has settled for {settled:.0f} s, {settings.quiet_seconds:.0f} must be"
    if TRAININGS[asset].of(workspace).despite_checks:
        return ""
    against = "; ".join(objections(workspace, recipe))
    return against and f"wait: {against}"


class EnoughHasChanged(dg.AutomationCondition):
    """True for a training whose data has settled, is sound, and of whose words at least `train_share` are new to it."""

    def __init__(self, locations: Locations, settings: AutomationSettings) -> None:
        self.locations, self.settings = locations, settings

    @property
    def description(self) -> str:
        return (
            f"at least {self.settings.train_share:.0%} of the words are new, settled for "
            f"{self.settings.quiet_seconds:.0f} s, and nothing speaks against the data"
        )

    def evaluate(self, context: dg.AutomationContext) -> dg.AutomationResult:
        asset, now = stage_of(context.key), time.time()
        is_on = self.settings.train_share > 0
        is_true = is_on and not shortfall(self.locations.workspace, asset, self.settings, now)
        subset = context.candidate_subset if is_true else context.get_empty_subset()
        return dg.AutomationResult(context, subset)


# Not `since_last_handled`: it takes the first evaluation for an answer, and data that was there before would wait.
_ANSWERED = dg.AutomationCondition.newly_requested() | dg.AutomationCondition.newly_updated()
_NEW_VERSIONS = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed())


def train_condition(locations: Locations, settings: AutomationSettings) -> dg.AutomationCondition:
    """When a training starts by itself."""
    return (
        (_NEW_VERSIONS | dg.AutomationCondition.initial_evaluation()).since(_ANSWERED).with_label("data is new")
        & ~dg.AutomationCondition.in_progress()
        & ~dg.AutomationCondition.any_deps_in_progress()
        & EnoughHasChanged(locations, settings)
    ).with_label("train on settled data that is new enough")


FOLLOW = (
    (_NEW_VERSIONS | dg.AutomationCondition.initial_evaluation()).since(_ANSWERED).with_label("the candidate is new")
    & dg.AutomationCondition.all_deps_blocking_checks_passed()
    & ~dg.AutomationCondition.any_deps_missing()
    & ~dg.AutomationCondition.in_progress()
    & ~dg.AutomationCondition.any_deps_in_progress()
).with_label("a new candidate has passed its check")
"""A champion follows its training behind the check: once per candidate, and never one that was refused."""


def training_sensor(
    locations: Locations, settings: AutomationSettings, recipes: Mapping[str, str]
) -> dg.AutomationConditionSensorDefinition:
    """The sensor that evaluates these conditions.

    Args:
        recipes: tags of its runs, by which they keep the recipe.
    """
    return dg.AutomationConditionSensorDefinition(
        "training_follows",
        target=dg.AssetSelection.assets(*map(locations.key, stages_of("training"))),
        default_status=dg.DefaultSensorStatus.RUNNING if settings.train_share else dg.DefaultSensorStatus.STOPPED,
        run_tags=recipes,
        use_user_code_server=True,
        minimum_interval_seconds=60,
        description="Trains when enough data has changed and settled (OCR_PIPELINE_TRAIN_SHARE=0.1).",
    )
