"""The checkpoint in use: a new one takes its place only if it is not worse on the same validation data."""

import dagster as dg
from pydantic import Field

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.assets.stage_asset import stage_asset
from ocr_pipeline.orchestration.automation.conditions import FOLLOW
from ocr_pipeline.orchestration.execution.demands import AFTER_A_CRASH, GPU_POOL, MODEL
from ocr_pipeline.orchestration.metadata import checkpoint_metadata
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER, Contest

CODE_VERSION = "2"


class ChampionConfig(dg.Config):
    """How strict to be."""

    promote: bool = Field(default=False, description="Take the candidate whatever the comparison says.")


def _check(contest: Contest) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=contest.name,
        name="not_below_champion",
        blocking=True,
        pool=GPU_POOL,
        op_tags=MODEL,
        retry_policy=AFTER_A_CRASH,
    )
    def not_below_champion(context: dg.AssetCheckExecutionContext, locations: Locations) -> dg.AssetCheckResult:
        """On the same validation data the new checkpoint is as good as the one in use, or better."""
        with stage_run(context):
            verdict = contest.judge(locations.workspace)
        return dg.AssetCheckResult(passed=verdict.passed, description=verdict.why, metadata=verdict.metadata)

    return not_below_champion


def _asset(contest: Contest, kind: str) -> dg.AssetsDefinition:
    @stage_asset(
        contest.champion_name,
        kind,
        CODE_VERSION,
        MODEL,
        automation_condition=FOLLOW,
        description="The checkpoint in use: the newest that was not worse than the one before it, which is kept.",
    )
    def champion(
        context: dg.AssetExecutionContext, config: ChampionConfig, locations: Locations
    ) -> dg.MaterializeResult:
        workspace = locations.workspace
        with stage_run(context):
            shown: dict[str, str | float] = {"why": "asked for by the config `promote`"}
            if not config.promote:
                verdict = contest.judge(workspace)
                shown = verdict.metadata
                if not verdict.passed:
                    raise PipelineError(
                        f"the candidate does not become champion ({verdict.why})",
                        where=contest.candidate(workspace),
                        remedy=f"Train again, or materialise {contest.champion_name} with the config `promote: true`.",
                    )
            manifest = contest.promote(workspace)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(manifest.fingerprint),
            metadata={**shown, **checkpoint_metadata(manifest, contest.champion(workspace))},
        )

    return champion


detector_champion = _asset(DETECTOR, "pytorch")
recognizer_champion = _asset(RECOGNIZER, "huggingface")

CHECKS = [_check(DETECTOR), _check(RECOGNIZER)]
