"""The checkpoint in use: a new one takes its place only if it is not worse on the same validation data."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from pydantic import Field

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.assets.data import OWNERS
from ocr_pipeline.orchestration.assets.training import dlora_checkpoint, fast_checkpoint
from ocr_pipeline.orchestration.automation.conditions import FOLLOW
from ocr_pipeline.orchestration.recipe_file import recipe_defaults
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.storage.manifest import Manifest, manifest_path, read_manifest, write_manifest
from ocr_pipeline.storage.publishing import publish_file, publish_folder
from ocr_pipeline.storage.workspace import Workspace

CODE_VERSION = "1"
TOLERANCE = float(os.environ.get("OCR_PIPELINE_TOLERANCE") or recipe_defaults("champion").get("tolerance", 0.005))
"""By how much a candidate may fall short of the champion's metric."""


@dataclass(frozen=True)
class Verdict:
    """Whether a candidate may become champion, and why (in words for people)."""

    passed: bool
    why: str
    candidate: float | None = None
    champion: float | None = None

    @property
    def metadata(self) -> dict[str, str | float]:
        shown = {"why": self.why, "candidate": self.candidate, "champion": self.champion, "tolerance": TOLERANCE}
        return {name: value for name, value in shown.items() if value is not None}


@dataclass(frozen=True)
class Contest:
    """One kind of checkpoint: where the candidate and the champion lie, and what is compared.

    Attributes:
        metric: its name in the manifests; sign: 1 if more is better, -1 if less is.
    """

    checkpoint: dg.AssetsDefinition
    candidate: Callable[[Workspace], Path]
    champion: Callable[[Workspace], Path]
    metric: str
    sign: int

    @property
    def name(self) -> str:
        return self.checkpoint.key.to_user_string()

    def judge(self, workspace: Workspace) -> Verdict:
        """Compare the published candidate with the champion; the first checkpoint of all has nobody to beat."""
        candidate, champion = self._candidate_manifest(workspace), read_manifest(self.champion(workspace))
        score = candidate.metrics.get(self.metric)
        if champion is None:
            return Verdict(True, "there is no champion yet", score)
        reached = champion.metrics.get(self.metric)
        if champion.fingerprint == candidate.fingerprint:
            return Verdict(True, "it is the champion", score, reached)
        if reached is None:
            return Verdict(True, f"the champion has no {self.metric}", score)
        if score is None:
            return Verdict(False, f"the candidate has no {self.metric}: it was not validated", None, reached)
        if _validated_on(candidate) != _validated_on(champion):
            return Verdict(False, "not comparable: they were validated on different data", score, reached)
        passed = self.sign * (score - reached) >= -TOLERANCE
        return Verdict(passed, f"{self.metric} {score:.4f}, the champion has {reached:.4f}", score, reached)

    def promote(self, workspace: Workspace) -> Manifest:
        """Put the candidate in the champion's place, which stays available as the previous one."""
        candidate, champion = self.candidate(workspace), self.champion(workspace)
        manifest, reigning = self._candidate_manifest(workspace), read_manifest(champion)
        if reigning and reigning.fingerprint == manifest.fingerprint:
            return reigning
        if reigning:
            _copy(champion, champion.with_name(f"{champion.stem}.previous{champion.suffix}"), reigning)
        _copy(candidate, champion, manifest)
        return manifest

    def _candidate_manifest(self, workspace: Workspace) -> Manifest:
        artifact = self.candidate(workspace)
        if manifest := read_manifest(artifact):
            return manifest
        raise PipelineError(f"{self.name} is not published", where=artifact, remedy=f"Materialise {self.name} first.")


def _validated_on(manifest: Manifest) -> dict[str, object]:
    """What a metric depends on beside the weights: the validation artifacts and how many samples of them are used."""
    data = {item.name: item.fingerprint for item in manifest.inputs if "_valid" in item.name}
    return data | {key: value for key, value in manifest.settings.items() if key in ("eval_samples", "val_max_samples")}


def _copy(source: Path, target: Path, manifest: Manifest) -> None:
    manifest_path(target).unlink(missing_ok=True)  # a kill in between leaves no manifest, never the wrong one
    if source.is_dir():
        with publish_folder(target) as draft:
            shutil.copytree(source, draft, dirs_exist_ok=True)
    else:
        with publish_file(target) as draft:
            shutil.copyfile(source, draft)
    write_manifest(target, manifest)


DETECTOR = Contest(fast_checkpoint, lambda w: w.fast_checkpoint, lambda w: w.fast_champion, "hmean", 1)
RECOGNISER = Contest(dlora_checkpoint, lambda w: w.dlora_checkpoint, lambda w: w.dlora_champion, "cer", -1)


class ChampionConfig(dg.Config):
    """How strict to be."""

    promote: bool = Field(default=False, description="Take the candidate whatever the comparison says.")


def _check(contest: Contest) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=contest.checkpoint, name="not_below_champion", blocking=True)
    def not_below_champion(context: dg.AssetCheckExecutionContext, locations: Locations) -> dg.AssetCheckResult:
        """On the same validation data the new checkpoint is as good as the one in use, or better."""
        with stage_run(context):
            verdict = contest.judge(locations.workspace)
        return dg.AssetCheckResult(passed=verdict.passed, description=verdict.why, metadata=verdict.metadata)

    return not_below_champion


def _asset(contest: Contest, group: str, kind: str) -> dg.AssetsDefinition:
    name = contest.name.replace("checkpoint", "champion")

    @dg.asset(
        name=name,
        deps=[contest.checkpoint],
        group_name=group,
        kinds={kind},
        owners=OWNERS,
        code_version=CODE_VERSION,
        automation_condition=FOLLOW,
        description="The checkpoint in use: the newest that was not worse than the one before it, which is kept.",
    )
    def champion(
        context: dg.AssetExecutionContext, config: ChampionConfig, locations: Locations
    ) -> dg.MaterializeResult:
        workspace = locations.workspace
        with stage_run(context):
            verdict = contest.judge(workspace)
            if not (verdict.passed or config.promote):
                raise PipelineError(
                    f"the candidate does not become champion ({verdict.why})",
                    where=contest.candidate(workspace),
                    remedy=f"Train again, or materialise {name} with the config `promote: true`.",
                )
            manifest = contest.promote(workspace)
        metrics = {f"metric/{key}": value for key, value in manifest.metrics.items()}
        return dg.MaterializeResult(
            data_version=dg.DataVersion(manifest.fingerprint),
            metadata={**verdict.metadata, **metrics, "path": dg.MetadataValue.path(contest.champion(workspace))},
        )

    return champion


fast_champion = _asset(DETECTOR, "detection", "pytorch")
dlora_champion = _asset(RECOGNISER, "recognition", "huggingface")

CHECKS = [_check(DETECTOR), _check(RECOGNISER)]
