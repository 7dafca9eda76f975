"""The checkpoint in use: a new one takes its place only if it is not worse on the same validation data.

That the one in use stays is a decision and no failure: the check warns, the champion says so, the run is green.
"""

from collections.abc import Mapping

import dagster as dg

from ocr_pipeline.orchestration.assets.stage_asset import stage_asset
from ocr_pipeline.orchestration.automation.conditions import FOLLOW
from ocr_pipeline.orchestration.execution.demands import AFTER_A_CRASH, GPU_POOL, MODEL
from ocr_pipeline.orchestration.launchpad import chosen, launchpad
from ocr_pipeline.orchestration.metadata import checkpoint_metadata
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER, Contest, Promotion
from ocr_pipeline.release.versions import sweep_versions
from ocr_pipeline.storage.artifacts.manifest import Manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace

CODE_VERSION = "2"


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
        return dg.AssetCheckResult(
            passed=verdict.passed,
            severity=dg.AssetCheckSeverity.WARN,
            description=verdict.why,
            metadata=verdict.metadata,
        )

    return not_below_champion


def _asset(contest: Contest, kind: str) -> dg.AssetsDefinition:
    @stage_asset(
        contest.champion_name,
        kind,
        CODE_VERSION,
        MODEL,
        config_schema=launchpad(Promotion),
        automation_condition=FOLLOW,
        description="The checkpoint in use: the newest that was not worse than the one before it, which is kept.",
    )
    def champion(context: dg.AssetExecutionContext, locations: Locations) -> dg.MaterializeResult:
        workspace, wanted = locations.workspace, chosen(Promotion, context).promote
        with stage_run(context):
            verdict = None if wanted else contest.judge(workspace)
            if verdict and not verdict.passed:
                context.log.warning(
                    f"{contest.champion_name} stays as it is: {verdict.why}. Train again, or materialise it with the "
                    "config `promote: true` to take the candidate all the same."
                )
                return _shown(contest, workspace, contest.in_use(workspace).manifest, "kept", verdict.metadata)
            why = {"why": "asked for by the config `promote`"} if verdict is None else verdict.metadata
            manifest = contest.promote(workspace, str(why["why"]), despite_unknown=wanted)
            sweep_versions(workspace)
        return _shown(contest, workspace, manifest, "promoted", why)

    return champion


def _shown(
    contest: Contest, workspace: Workspace, manifest: Manifest, decision: str, why: Mapping[str, str | float]
) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        data_version=dg.DataVersion(manifest.fingerprint),
        metadata={"decision": decision, **why, **checkpoint_metadata(manifest, contest.champion(workspace))},
    )


detector_champion = _asset(DETECTOR, "pytorch")
recognizer_champion = _asset(RECOGNIZER, "huggingface")

CHECKS = [_check(DETECTOR), _check(RECOGNIZER)]
