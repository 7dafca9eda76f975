"""The one rite by which every artifact appears, on disk and in a depot.

Ask what is current; make the new one aside; take the old manifest away; put artifact and quarantine in their places;
vouch for them by the new manifest, last. A kill between any two of these steps leaves either what was there before or
no manifest: never one beside something that it was not made with.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ocr_pipeline.page import Quarantined
from ocr_pipeline.storage.artifacts.lineage import ENDING, Trace, lineage_path
from ocr_pipeline.storage.artifacts.manifest import Input, Manifest, quarantine_path, read_manifest, resized_files
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.quarantine_files import older_quarantine
from ocr_pipeline.storage.artifacts.renewal import ANYHOW, Renewal
from ocr_pipeline.storage.artifacts.vouching import retire, write_manifest
from ocr_pipeline.storage.files.fingerprints import file_sizes, fingerprint_file, fingerprint_files
from ocr_pipeline.storage.files.publishing import link_or_copy, place_of, publish_file, publish_folder

if TYPE_CHECKING:
    from ocr_pipeline.storage.artifacts.lineage_parquet import ParquetTraces
    from ocr_pipeline.storage.artifacts.quarantine_parquet import ParquetRecords

logger = logging.getLogger(__name__)


@contextmanager
def publication(
    artifact: Path,
    *,
    stage: str,
    partition: str,
    code_version: str,
    settings: dict[str, Any],
    inputs: list[Input],
    renewal: Renewal = ANYHOW,
    has_quarantine: bool = True,
) -> Iterator[Publication]:
    """Publish an artifact: the block makes it, unless ``current`` says that there is nothing to do.

    An error in the block leaves what was published before or, once a part of that was replaced, no manifest.

    Args:
        artifact: the file or folder that the manifest will stand beside.
        stage, partition, code_version, settings, inputs: as in `Manifest`.
        renewal: when it is made anew whatever is current, and what it may lose; by default whatever it holds is right.
        has_quarantine: publish what is set aside beside it, be it nothing.

    Raises:
        PipelineError: what is published cannot be read, would lose more than it may, or the output cannot be written.
    """
    wanted = Manifest(
        stage=stage, partition=partition, code_version=code_version, settings=settings, inputs=inputs, fingerprint=""
    )
    made = Publication(artifact, wanted, read_manifest(artifact), renewal)
    if made.current:
        yield made
        return
    made._is_of_others = has_quarantine and made._before is None and _is_of_others(artifact)
    with made._drafts:
        yield made
        made._finish(has_quarantine)
    made._take_stock()
    write_manifest(artifact, made.manifest)


class Publication:
    """An artifact in the making.

    Attributes:
        artifact: where it will stand.
        published: the manifest that stands beside it so far; None where it is to be rebuilt.
        current: the same, where the artifact was made from just this or was taken over from elsewhere.
        manifest: what is published, when the block is left.
        rebuild: what was made before counts for nothing: also what it was made of is to be read again.
        inputs, counts, metrics, fingerprint: what the manifest will say.
    """

    def __init__(self, artifact: Path, wanted: Manifest, before: Manifest | None, renewal: Renewal) -> None:
        published = None if renewal.rebuild else before
        self.artifact, self.published, self.inputs = artifact, published, wanted.inputs
        self.rebuild, self._before, self._renewal = renewal.rebuild, before, renewal
        self.counts, self.metrics, self.fingerprint = Counts(), dict[str, float](), ""
        self.current = published and _current(artifact, wanted, published)
        self.manifest = self.current or wanted
        self._is_renewed, self._is_retired, self._is_of_others = False, False, False
        self._drafts = ExitStack()
        self._parts = [artifact]
        self._records: ParquetRecords | None = None
        self._traces: ParquetTraces | None = None
        self._is_traced = False

    @contextmanager
    def file(self, *beside: str) -> Iterator[Path]:
        """A path to write the artifact to, or the file beside it that has this word after its name."""
        target = self.artifact.with_name(".".join((self.artifact.name, *beside)))
        self._parts.append(target)
        with publish_file(place_of(target)) as draft:
            yield draft
            self._make_room()

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty folder to write the artifact to."""
        with publish_folder(place_of(self.artifact)) as draft:
            yield draft
            self._make_room()

    def copy(self, source: Path) -> None:
        """Make the artifact a copy of a file or a folder, with the lineage beside it where none is told by `trace`."""
        if source.is_dir():
            with self.folder() as draft:
                shutil.copytree(source, draft, dirs_exist_ok=True)
        else:
            with self.file() as draft:
                shutil.copyfile(source, draft)
        if not self._is_traced:
            self.lead_back_to(source)

    def link(self, name: str, target: Path) -> bool:
        """Let a file of what is published stand in the new artifact as well, unless it is not as it was published.

        Args:
            name: what its path has beyond the artifact's.
        """
        file, known = Path(f"{self.artifact}{name}"), (self.published.files if self.published else {}).get(name)
        if known is None or not file.is_file() or fingerprint_file(file) != known:
            return False
        target.parent.mkdir(parents=True)
        link_or_copy(file, target)
        return True

    def lead_back_to(self, *upstream: Path) -> None:
        """Take over the pages of artifacts whose pages all went into this one; one of old does not know them."""
        known = [path for path in map(lineage_path, upstream) if path.exists()]
        if len(known) == 1:
            self.copy_lineage(*known)
        elif known:
            from ocr_pipeline.storage.artifacts.lineage_parquet import read_traces  # as below

            for page in chain.from_iterable(map(read_traces, known)):
                self.trace(page)

    def copy_lineage(self, lineage: Path) -> None:
        """Take over which pages the artifact holds or learnt from."""
        with self.file(*ENDING) as draft:
            link_or_copy(lineage, draft)
        self._is_traced = True

    def retire(self) -> None:
        """Take the old manifest away; to be asked for only by who changes the artifact by other means than these.

        Raises:
            PipelineError: by what is counted so far, more is lost than may be.
        """
        if not self._is_retired:
            if self._before:
                self._renewal.demand(self.artifact, self._before.counts, self.counts)
            self.withdraw()

    def withdraw(self) -> None:
        """The same, whatever is lost: something that the manifest speaks of is about to change in its place."""
        retire(self.artifact)
        self._is_retired = True

    def keep_earlier(self) -> None:
        """Let what another program made in the artifact's place stay, as ``.earlier``."""
        self.retire()
        place, self._is_of_others = place_of(self.artifact), False
        names = (f"{place.name}.earlier{number or ''}" for number in count())
        aside = next(path for path in map(place.with_name, names) if not path.exists())
        logger.warning("%s was not published from here and is kept as %s", self.artifact, aside.name)
        place.rename(aside)

    def _make_room(self) -> None:
        self.retire()
        if self._is_of_others:
            self.keep_earlier()

    def set_aside(self, record: Quarantined) -> None:
        """Count and keep a page or word that is set aside."""
        self.counts.set_aside(record)
        self._quarantine().write(record)

    def add(self, counts: Counts, quarantined: Iterable[Quarantined]) -> None:
        """Take over the counts of a part, and what they say was set aside."""
        self.counts += counts
        for record in quarantined:
            self._quarantine().write(record)

    def trace(self, page: Trace) -> None:
        """Keep that the artifact holds a page."""
        if self._traces is None:
            from ocr_pipeline.storage.artifacts.lineage_parquet import ParquetTraces  # as above

            target = lineage_path(self.artifact)
            self._parts.append(target)
            self._traces = self._drafts.enter_context(ParquetTraces(self._drafts.enter_context(publish_file(target))))
            self._is_traced = True
        self._traces.write(page)

    def renew(self) -> None:
        """Keep what is published, which would be made again just as it is: only its manifest is written anew."""
        self._is_renewed = True

    def _quarantine(self) -> ParquetRecords:
        if self._records is None:
            from ocr_pipeline.storage.artifacts.quarantine_parquet import (
                ParquetRecords,  # costs 65 MB, which workers do without
            )

            target = quarantine_path(self.artifact)
            self._parts.append(target)
            draft = self._drafts.enter_context(publish_file(target))
            self._records = self._drafts.enter_context(ParquetRecords(draft))
        return self._records

    def _finish(self, has_quarantine: bool) -> None:
        """What comes before the quarantine appears."""
        if self.published and self._is_renewed:
            self.manifest = replace(self.published, settings=self.manifest.settings, inputs=self.inputs)
            return
        assert self.fingerprint, f"the block made no {self.artifact.name}"
        if has_quarantine:
            self._quarantine()
        self.retire()
        older_quarantine(quarantine_path(self.artifact)).unlink(missing_ok=True)
        if not self._is_traced:
            lineage_path(self.artifact).unlink(missing_ok=True)
        said = {"counts": self.counts, "metrics": self.metrics, "fingerprint": self.fingerprint}
        self.manifest = replace(self.manifest, inputs=self.inputs, **said)

    def _take_stock(self) -> None:
        """Note every byte of what stands in its place by now."""
        if not self._is_renewed:
            files = fingerprint_files(self._parts, self.artifact)
            self.manifest = replace(self.manifest, files=files, sizes=file_sizes(files, self.artifact))


def _is_of_others(artifact: Path) -> bool:
    """Whether another program made what stands there without a manifest: a kill of ours leaves the quarantine too."""
    return artifact.exists() and not quarantine_path(artifact).exists()


def _current(artifact: Path, wanted: Manifest, published: Manifest) -> Manifest | None:
    """The published manifest if nothing is to be done: the same would be made again, or it was taken over.

    What was cut short since it was published is made again. What was taken over is finished work: the settings and
    inputs that its stage first meets are noted in its manifest after the input `ADOPTED`, and it stands until they
    change.
    """
    if not published.adopted:
        if not published.made_from(wanted.code_version, wanted.settings, wanted.inputs):
            return None
        if resized := resized_files(artifact, published):
            logger.warning("made again, for it is damaged: %s", "; ".join(resized))
            return None
        return published
    first, *noted = published.inputs
    if noted:
        return published if (published.settings, noted) == (wanted.settings, wanted.inputs) else None
    published = replace(published, settings=wanted.settings, inputs=[first, *wanted.inputs])
    write_manifest(artifact, published)
    return published
