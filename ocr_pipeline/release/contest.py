"""A candidate against the champion, on the same data: recorded scores where they are of the same data, else new ones.

A checkpoint's manifest says what its scores were measured on. Where the candidate's validation data is not the
champion's, the champion is scored again on the candidate's; a score once measured is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.release.champions import Champions, InUse, UnknownCheckpointError
from ocr_pipeline.release.recipe_file import recipe_settings
from ocr_pipeline.settings import Setting, Settings
from ocr_pipeline.storage.artifacts.manifest import VALIDATION, Manifest, read_manifest
from ocr_pipeline.storage.artifacts.state import differing_files
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.files.publishing import publish_text

Score = Callable[[Path, Sequence[Path], dict[str, Any]], dict[str, float]]
"""(checkpoint, validation artifacts, the settings of the candidate's training) -> its metrics."""


@dataclass(frozen=True)
class ChampionSettings(Settings):
    """How strict a contest is: the recipe's section ``champion``."""

    tolerance: Annotated[
        float,
        Setting(
            "By how much a candidate may fall short of the champion's metric.",
            env="OCR_PIPELINE_TOLERANCE",
            least=0,
            most=1,
        ),
    ] = 0.005
    keep_versions: Annotated[
        int,
        Setting(
            "Of how many champions of each kind the data that they learnt from is kept.",
            env="OCR_PIPELINE_KEEP_VERSIONS",
            least=0,
        ),
    ] = 3


@dataclass(frozen=True)
class Promotion(Settings):
    """What a person may say when a champion is made."""

    promote: Annotated[bool, Setting("Take the candidate whatever the comparison says.")] = False


@dataclass(frozen=True)
class Verdict:
    """Whether a candidate may become champion, and why (in words for people)."""

    passed: bool
    why: str
    candidate: float | None = None
    champion: float | None = None
    tolerance: float | None = None

    @property
    def metadata(self) -> dict[str, str | float]:
        scores = {"candidate": self.candidate, "champion": self.champion, "tolerance": self.tolerance}
        return {"why": self.why, **{name: round(score, 5) for name, score in scores.items() if score is not None}}


@dataclass(frozen=True)
class Contest:
    """One kind of checkpoint: where the candidate and the champion lie, and what is compared.

    Attributes:
        name: of the candidate's asset.
        metric: its name in the manifests; sign: 1 if more is better, -1 if less is.
        sampling: settings that a score depends on beside the weights and the data.
        score: measures a checkpoint as its training would have.
    """

    name: str
    candidate: Callable[[Workspace], Path]
    champion: Callable[[Workspace], Path]
    metric: str
    sign: int
    sampling: tuple[str, ...]
    score: Score

    @property
    def champion_name(self) -> str:
        """The champion's asset."""
        return self.name.replace("checkpoint", "champion")

    def judge(self, workspace: Workspace) -> Verdict:
        """Compare the published candidate with the champion.

        Raises:
            PipelineError: there is no candidate, or the champion has to be scored again and cannot be.
        """
        tolerance = recipe_settings(ChampionSettings, "champion", workspace).tolerance
        return replace(self._verdict(workspace, tolerance), tolerance=tolerance)

    def _verdict(self, workspace: Workspace, tolerance: float) -> Verdict:
        candidate, champions = self._candidate_manifest(workspace), self.champions(workspace)
        score = candidate.metrics.get(self.metric)
        try:
            reigning = champions.in_use()
        except UnknownCheckpointError as error:
            return Verdict(False, str(error), score)
        if reigning is None:
            return Verdict(True, "there is no champion yet", score)
        champion = reigning.manifest
        if champion.fingerprint == candidate.fingerprint:
            return Verdict(True, "it is the champion", score, score)
        if rolled_back := champions.withdrawn(candidate.fingerprint):
            return Verdict(False, f"it was champion and was rolled back ({rolled_back.when})", score)
        if score is None:
            return Verdict(False, f"not validated: it has no {self.metric}", score, champion.metrics.get(self.metric))
        if not _validation_data(candidate):
            return Verdict(False, "not validated: its manifest names no validation data", score)
        reached, where = champion.metrics.get(self.metric), "the champion has"
        if reached is None or self._measured_on(champion) != self._measured_on(candidate):
            reached, where = self._scored_again(workspace, reigning, candidate), "the champion, scored again, has"
        passed = self.sign * (score - reached) >= -tolerance
        return Verdict(passed, f"{self.metric} {score:.4f}, {where} {reached:.4f}", score, reached)

    def promote(self, workspace: Workspace, why: str = "", *, despite_unknown: bool = False) -> Manifest:
        """Put the candidate in the champion's place, which stays available as the previous one; as `Champions.promote`.

        Raises:
            PipelineError: there is no candidate, it is damaged, or nobody knows what stands in the champion's place.
        """
        manifest = self._candidate_manifest(workspace)
        champions = self.champions(workspace)
        return champions.promote(self.candidate(workspace), manifest, why, despite_unknown=despite_unknown)

    def champions(self, workspace: Workspace) -> Champions:
        """The one in use and those before it."""
        return Champions(self.champion(workspace))

    def in_use(self, workspace: Workspace) -> InUse:
        """The champion, for who works with it.

        Raises:
            PipelineError: there is none, or it is not as it was published.
        """
        if found := self.champions(workspace).in_use():
            return found
        raise PipelineError(
            f"{self.champion_name} is not published",
            where=self.champion(workspace),
            remedy=f"Materialise {self.champion_name} first.",
        )

    def _candidate_manifest(self, workspace: Workspace) -> Manifest:
        artifact = self.candidate(workspace)
        manifest = read_manifest(artifact)
        if manifest is None:
            remedy = f"Materialise {self.name} first."
            raise PipelineError(f"{self.name} is not published", where=artifact, remedy=remedy)
        if differing := differing_files(artifact, manifest):
            raise PipelineError(
                f"{self.name} is not as it was published: {', '.join(differing)} differ",
                where=artifact,
                remedy=f"Remove its manifest and materialise {self.name} again.",
            )
        return manifest

    def _measured_on(self, manifest: Manifest) -> dict[str, object]:
        return _validation_data(manifest) | {name: manifest.settings.get(name) for name in self.sampling}

    def _scored_again(self, workspace: Workspace, champion: InUse, candidate: Manifest) -> float:
        """The champion's metric on the candidate's validation data, measured or remembered."""
        measured_on = self._measured_on(candidate)
        key = fingerprint_of([champion.manifest.fingerprint, msgspec.json.encode(sorted(measured_on.items()))])
        kept = workspace.scores / f"{self.name}_{key}.json"
        if not kept.exists():
            artifacts = self._unchanged(workspace, candidate)
            metrics = self.score(champion.checkpoint, artifacts, candidate.settings)
            text = {"champion": champion.manifest.fingerprint, "measured_on": measured_on, "metrics": metrics}
            publish_text(kept, msgspec.json.format(msgspec.json.encode(text), indent=1).decode() + "\n")
        return float(msgspec.json.decode(kept.read_bytes())["metrics"][self.metric])

    def _unchanged(self, workspace: Workspace, candidate: Manifest) -> list[Path]:
        """The validation artifacts that the candidate was scored on, if they still are what they were."""
        artifacts = []
        for name, fingerprint in _validation_data(candidate).items():
            artifact = workspace.root / name
            manifest = read_manifest(artifact)
            if manifest is None or manifest.fingerprint != fingerprint:
                raise PipelineError(
                    f"{self.name} and the champion were validated on different data, and the candidate's is there no "
                    "more: they cannot be compared",
                    where=artifact,
                    remedy=f"Materialise {self.name} again: it is then scored on the data as it is now.",
                )
            artifacts.append(artifact)
        return artifacts


def _validation_data(manifest: Manifest) -> dict[str, str]:
    return {item.name: item.fingerprint for item in manifest.inputs if item.role == VALIDATION}


def score_detector(checkpoint: Path, valid: Sequence[Path], settings: dict[str, Any]) -> dict[str, float]:
    """hmean, precision and recall of a detector."""
    from ocr_pipeline import fast  # torch costs seconds, which the code server need not wait for

    score = fast.score_checkpoint(checkpoint, valid, max_samples=settings.get("val_max_samples"))
    return {"precision": score.precision, "recall": score.recall, "hmean": score.hmean}


def score_recognizer(checkpoint: Path, valid: Sequence[Path], settings: dict[str, Any]) -> dict[str, float]:
    """Error rates of any recognizer, on the crops of the candidate's training and, where it generates, as that does."""
    from ocr_pipeline import recognition

    decoding = recognition.Decoding(
        settings.get("generation_max_length", recognition.GREEDY.longest),
        settings.get("generation_num_beams", recognition.GREEDY.beams),
    )
    recognizer = recognition.load_recognizer(checkpoint, recognition.Loading(decoding=decoding))
    (compared,) = recognition.compare(
        {"champion": recognizer},
        valid,
        samples=settings["eval_samples"],
        batch_size=settings["per_device_eval_batch_size"],
        seed=settings["seed"],
    )
    return compared.scores.as_dict()


DETECTOR = Contest(
    "fast_checkpoint",
    lambda workspace: workspace.fast_checkpoint,
    lambda workspace: workspace.fast_champion,
    "hmean",
    1,
    ("val_max_samples",),
    score_detector,
)
RECOGNIZER = Contest(
    "dlora_checkpoint",
    lambda workspace: workspace.dlora_checkpoint,
    lambda workspace: workspace.dlora_champion,
    "cer",
    -1,
    ("eval_samples", "seed", "generation_max_length", "generation_num_beams"),
    score_recognizer,
)
