"""The checkpoint in use, the one before it, and a ledger of how they came to be.

Every change is one entry: a promotion keeps the candidate under its fingerprint, then writes its entry, and only then
do champion and previous get their files; a rollback writes its entry at once. Until all of that stands in its place the
ledger says so, and whoever asks next brings what a kill left undone to its end.

What lies in the champion's place is believed for its bytes: they are those that its manifest tells, or those of a
champion that was kept. Anything else was put there by somebody: it is refused, and never written over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.depot import depot_of
from ocr_pipeline.storage.artifacts.manifest import DamagedManifestError, Manifest, read_manifest
from ocr_pipeline.storage.artifacts.publication import publication
from ocr_pipeline.storage.artifacts.renewal import ANYHOW
from ocr_pipeline.storage.artifacts.state import differing_files
from ocr_pipeline.storage.files.fingerprints import fingerprint_files
from ocr_pipeline.storage.files.publishing import publish_text

What = Literal["found", "promoted", "rolled back"]


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One change of the champion.

    Attributes:
        what: ``found``: it stood there, put by hand or before there was a ledger.
        fingerprint: of the champion from then on; replaced: of the one before it, empty if there was none.
        metrics: what it had reached on its validation data.
        why: in words for people; when: in ISO 8601, UTC.
    """

    what: What
    fingerprint: str
    replaced: str
    metrics: dict[str, float]
    why: str
    when: str


class Ledger(msgspec.Struct):
    """All changes, the oldest first.

    Attributes:
        is_settled: champion and previous stand as the last one says.
    """

    acts: list[Act] = msgspec.field(default_factory=list)
    is_settled: bool = True


class InUse(NamedTuple):
    """The champion: its manifest, and files that are sound, wherever they stand."""

    checkpoint: Path
    manifest: Manifest


class UnknownCheckpointError(PipelineError):
    """Nobody can say what stands in the champion's place."""


@dataclass(frozen=True)
class Champions:
    """Those of one kind of checkpoint. Whoever changes something holds the lease of the champion's asset.

    Attributes:
        artifact: where the one in use stands.
    """

    artifact: Path

    @property
    def previous(self) -> Path:
        return self._beside("previous")

    @property
    def _acts_file(self) -> Path:
        return self.artifact.parent / "champions" / "acts.json"

    def kept(self, fingerprint: str) -> Path:
        """Where each champion stays."""
        return self._acts_file.with_name(fingerprint + self.artifact.suffix)

    def ledger(self) -> Ledger:
        """All that is recorded.

        Raises:
            PipelineError: it cannot be read.
        """
        depot, path = depot_of(self._acts_file), self._acts_file
        content = depot.read(path) if depot else path.read_bytes() if path.exists() else None
        try:
            return msgspec.json.decode(content, type=Ledger) if content else Ledger()
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise PipelineError(
                f"the record of the champions cannot be read ({error})",
                where=path,
                remedy="Move it away: what stands in the champion's place is then recorded as found.",
            ) from error

    def in_use(self) -> InUse | None:
        """The champion, its bytes compared with what was published; None if there is none. Changes nothing.

        Raises:
            UnknownCheckpointError: what stands in its place is neither what its manifest tells nor a kept champion.
        """
        ledger = self.ledger()
        found = self._found(ledger)
        if ledger.acts and (found is None or not ledger.is_settled):
            kept = self.kept(ledger.acts[-1].fingerprint)
            return InUse(kept, self._sound(kept))
        return InUse(self.artifact, found) if found else None

    def promote(self, candidate: Path, manifest: Manifest, why: str, *, despite_unknown: bool = False) -> Manifest:
        """Put a candidate in the champion's place; the one before it becomes the previous one.

        Args:
            despite_unknown: what nobody knows is kept aside, as ``.unknown``; else it is refused.

        Raises:
            PipelineError: the candidate's files are not those that were published, or as `in_use`.
        """
        ledger = self._settle(despite_unknown)
        if ledger.acts and ledger.acts[-1].fingerprint == manifest.fingerprint:
            return self._sound(self.artifact)
        self._keep(candidate, manifest)
        return self._enter(ledger, "promoted", manifest, why)

    def roll_back(self, to: str = "", why: str = "", *, despite_unknown: bool = False) -> Manifest:
        """Put a champion of before in its place again: the one that this one replaced, unless another is named.

        Args:
            to: the beginning of its fingerprint.

        Raises:
            PipelineError: there is none, or as `promote`.
        """
        ledger = self._settle(despite_unknown)
        return self._enter(ledger, "rolled back", self._sound(self.kept(self._target(ledger.acts, to))), why)

    def withdrawn(self, fingerprint: str) -> Act | None:
        """The rollback that took this one out of use, unless it was promoted again since."""
        concerned = [
            act
            for act in self.ledger().acts
            if (act.what == "rolled back" and act.replaced == fingerprint)
            or (act.what != "rolled back" and act.fingerprint == fingerprint)
        ]
        return concerned[-1] if concerned and concerned[-1].what == "rolled back" else None

    def _target(self, acts: list[Act], to: str) -> str:
        reigning = acts[-1].fingerprint if acts else ""
        if to:
            found = {act.fingerprint for act in acts if act.fingerprint.startswith(to)} - {reigning}
        else:
            came = [act.replaced for act in acts if act.fingerprint == reigning and act.what != "rolled back"]
            found = set(filter(None, came[-1:]))
        if len(found) == 1:
            return found.pop()
        raise PipelineError(
            f"there is no other champion {to or 'before this one'}"
            if not found
            else f"{to} is the beginning of several",
            where=self._acts_file,
            remedy="`ocr-pipeline champions` lists those there were; name one by --to and its fingerprint.",
        )

    def _found(self, ledger: Ledger) -> Manifest | None:
        """The manifest of what stands in the champion's place."""
        if not self.artifact.exists():
            return None
        manifest = self._manifest_there()
        if manifest and not differing_files(self.artifact, manifest):
            return manifest
        bytes_there = fingerprint_files([self.artifact], self.artifact)
        for kept in self._kept_manifests(ledger):
            if _of_itself(kept.files) == bytes_there:
                return kept
        raise UnknownCheckpointError(
            "what stands in the champion's place is not what was published there"
            if manifest
            else "the champion has no manifest: nobody knows what it is or what it can do",
            where=self.artifact,
            remedy="`ocr-pipeline rollback` or the config `promote: true` puts another there and keeps this one aside.",
        )

    def _manifest_there(self) -> Manifest | None:
        try:
            return read_manifest(self.artifact)
        except DamagedManifestError:
            return None

    def _kept_manifests(self, ledger: Ledger) -> Iterator[Manifest]:
        for fingerprint in dict.fromkeys(act.fingerprint for act in reversed(ledger.acts)):
            if manifest := read_manifest(self.kept(fingerprint)):
                yield manifest

    def _settle(self, despite_unknown: bool) -> Ledger:
        """Bring an act that was broken off to its end, and record what was put there by hand."""
        ledger = self.ledger()
        try:
            found = self._found(ledger)
        except UnknownCheckpointError:
            if not despite_unknown:
                raise
            self._set_aside()
            found = None
        if found and ledger.is_settled and found.fingerprint != (ledger.acts[-1].fingerprint if ledger.acts else ""):
            self._keep(self.artifact, found)
            self._enter(ledger, "found", found, "it stood in the champion's place")
        elif ledger.acts:
            self._put(ledger)
        return ledger

    def _set_aside(self) -> None:
        """Move what nobody knows out of the way, to a name of its own."""
        aside, number = self._beside("unknown"), 1
        while aside.exists():
            number += 1
            aside = self._beside(f"unknown{number}")
        self.artifact.rename(aside)

    def _enter(self, ledger: Ledger, what: What, manifest: Manifest, why: str) -> Manifest:
        """Record a change, and make it so."""
        replaced = ledger.acts[-1].fingerprint if ledger.acts else ""
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        act = Act(
            what=what,
            fingerprint=manifest.fingerprint,
            replaced=replaced,
            metrics=manifest.metrics,
            why=why,
            when=now,
        )
        ledger.acts.append(act)
        ledger.is_settled = False
        self._write(ledger)
        self._put(ledger)
        return self._sound(self.artifact)

    def _put(self, ledger: Ledger) -> None:
        """Let champion and previous be what the ledger says."""
        last = ledger.acts[-1]
        for place, fingerprint in ((self.previous, last.replaced), (self.artifact, last.fingerprint)):
            if fingerprint and not _holds(place, fingerprint):
                kept = self.kept(fingerprint)
                _copy(kept, place, self._sound(kept))
        if not ledger.is_settled:
            ledger.is_settled = True
            self._write(ledger)

    def _keep(self, checkpoint: Path, manifest: Manifest) -> None:
        if not _holds(self.kept(manifest.fingerprint), manifest.fingerprint):
            _copy(checkpoint, self.kept(manifest.fingerprint), manifest)

    def _sound(self, checkpoint: Path) -> Manifest:
        """The manifest of files that are as they were published."""
        manifest = read_manifest(checkpoint)
        if manifest and not (differing := differing_files(checkpoint, manifest)):
            return manifest
        fault = f"{', '.join(differing)} differ" if manifest else "it is not there"
        raise PipelineError(
            f"a checkpoint is not as it was published: {fault}",
            where=checkpoint,
            remedy="Bring it back from a backup, or promote another (the config `promote: true` of the champion).",
        )

    def _write(self, ledger: Ledger) -> None:
        publish_text(self._acts_file, msgspec.json.format(msgspec.json.encode(ledger), indent=1).decode() + "\n")
        if depot := depot_of(self._acts_file):
            depot.send_file(self._acts_file)

    def _beside(self, word: str) -> Path:
        return self.artifact.with_name(f"{self.artifact.stem}.{word}{self.artifact.suffix}")


def _of_itself(files: dict[str, str]) -> dict[str, str]:
    """Of the files that a manifest tells, those of the checkpoint, without what stands beside it."""
    return {name: fingerprint for name, fingerprint in files.items() if not name.startswith(".")}


def _holds(place: Path, fingerprint: str) -> bool:
    """Whether this checkpoint stands there, whole."""
    manifest = read_manifest(place)
    return bool(manifest and manifest.fingerprint == fingerprint and not differing_files(place, manifest))


def _copy(source: Path, target: Path, manifest: Manifest) -> None:
    with publication(
        target,
        stage=manifest.stage,
        partition=manifest.partition,
        code_version=manifest.code_version,
        settings=manifest.settings,
        inputs=manifest.inputs,
        renewal=ANYHOW.also(rebuild=True),
        has_quarantine=False,
    ) as made:
        made.copy(source)
        if differing := differing_files(target, manifest):
            raise PipelineError(
                f"the checkpoint is not as it was published: {', '.join(differing)} differ",
                where=source,
                remedy="Remove its manifest and materialise it again, or bring it back from a backup.",
            )
        made.counts, made.metrics, made.fingerprint = manifest.counts, manifest.metrics, manifest.fingerprint
