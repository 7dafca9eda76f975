"""Pages, their pictures and who reads them -> ``suspects/<partition>_suspects.parquet``, shard by shard.

A shard holds what was found on its pages, what was found of errors planted in some of them, and prints of all crops.
When all are there, the planted errors tell how far evidence can be believed, equal prints tell which picture has two
labels, and the likeliest errors are published.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from msgspec.structs import replace

from ocr_pipeline.data.corrections import in_force, read_overlay
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.lookup import Lookup, PageShard, load_lookup, page_shards, page_tasks
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.data.review.looking import Readers
from ocr_pipeline.data.review.settings import SuspectSettings
from ocr_pipeline.data.review.shards import PAGES, SuspectShard, Tried, read_found, read_tried
from ocr_pipeline.data.review.suspects.calibration import Calibration, calibrate
from ocr_pipeline.data.review.suspects.suspect import KINDS, Suspect
from ocr_pipeline.data.review.table import write_suspects
from ocr_pipeline.data.review.twins import find_twins
from ocr_pipeline.page import Page, Quarantined
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.artifacts.manifest import Input, Manifest, upstream
from ocr_pipeline.storage.artifacts.publication import Publication, publication
from ocr_pipeline.storage.artifacts.shards import built, forget_others, shard_counts, shard_quarantine
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of
from ocr_pipeline.storage.source.share import Share

CODE_VERSION = "5"
EXPECTED = 0.01
"""The share of labels that are taken to be wrong before anybody looked."""

_Place = tuple[str, str, int, str]


def find_label_suspects(
    share: Share,
    partition: SourcePartition,
    workspace: Workspace,
    readers: Readers,
    settings: SuspectSettings,
) -> Manifest:
    """Publish the labels of a partition that are probably wrong; reads only pages that are new or changed.

    Args:
        readers: the first of them must not have learnt from these labels.

    Raises:
        PipelineError: an input is not published, the share does not answer, or the output cannot be written.
    """
    search = _Search(share, partition, workspace, readers, settings)
    with publication(
        workspace.suspects(partition.key),
        stage="label_suspects",
        partition=partition.key,
        code_version=CODE_VERSION,
        settings=settings.recorded(),
        inputs=search.inputs,
    ) as made:
        if made.current is None:
            search.make(made)
    return made.manifest


@dataclass(frozen=True)
class _Search:
    share: Share
    partition: SourcePartition
    workspace: Workspace
    readers: Readers
    settings: SuspectSettings

    @property
    def inputs(self) -> list[Input]:
        key = self.partition.key
        upstreams = [("merged_json", self.workspace.merged_json(key)), ("lookup", self.workspace.lookup(key))]
        read_by = [Input(f"reader {name}", reader.fingerprint) for name, reader in self.readers.by_name.items()]
        finder = [Input("detector", self.readers.finder.fingerprint)] if self.readers.finder else []
        return [*(upstream(*each) for each in upstreams), *read_by, *finder, *self._kept_input]

    @property
    def _kept_input(self) -> list[Input]:
        return [Input("kept labels", fingerprint_of(map(repr, sorted(self._kept))))] if self._kept else []

    @cached_property
    def _kept(self) -> frozenset[_Place]:
        """The labels of which a person said that they are right."""
        rows = in_force(read_overlay(self.workspace.corrections(self.partition.key)))
        return frozenset((*row.place, row.before) for row in rows if row.action == "keep")

    @cached_property
    def _lookup(self) -> Lookup:
        return load_lookup(self.workspace, self.partition)

    def make(self, made: Publication) -> None:
        self.share.check()
        store = self.workspace.shards(made.artifact)
        progress = Progress(f"label suspects {self.partition.key}", "pages")
        fill = partial(SuspectShard(self.share, self.readers, self.partition).fill, progress)
        folders = list(built(store, self._shards(), fill, None, 1))
        made.add(shard_counts(folders), shard_quarantine(folders))
        tried = [read_tried(folder) for folder in folders]
        calibration = calibrate((trial for each in tried for trial in each.trials), _weight(tried))
        suspects = self._likeliest(folders, calibration)
        with made.file() as draft:
            write_suspects(draft, suspects, self.readers.by_name)
        made.lead_back_to(self.workspace.merged_json(self.partition.key))
        made.fingerprint = fingerprint_file(made.artifact)
        made.metrics = numbers_of(suspects, made.counts.words_out)
        forget_others(store, folders)

    def _shards(self) -> Iterator[PageShard]:
        made_by = fingerprint_of([CODE_VERSION, self.readers.fingerprint])
        return page_shards(page_tasks(self._pages(), self._lookup, self.share, made_by), PAGES)

    def _pages(self) -> Iterator[Page]:
        return read_pages(self.workspace.merged_json(self.partition.key), self.partition)

    def _picture_of(self, page: Page) -> str:
        found = self._lookup.find(page)
        return "" if isinstance(found, Quarantined) else self.share.below_root(found)

    def _likeliest(self, folders: list[Path], calibration: Calibration) -> list[Suspect]:
        """The suspects with their rates, the surest first; what a person has kept is not shown again."""
        twins = find_twins(folders, self._pages, self._picture_of)
        rated = (
            replace(each, error_rate=round(calibration.rate(each.kind, each.evidence), 4))
            for each in _once(folders, twins)
            if (each.label, each.image, each.word, each.text) not in self._kept
        )
        return heapq.nsmallest(self.settings.most, rated, key=_rank)


def _once(folders: Iterable[Path], twins: dict[tuple[str, str, int], Suspect]) -> Iterator[Suspect]:
    """All suspects, each word once: a twin that was found for another reason is told for that."""
    for folder in folders:
        for suspect in read_found(folder):
            twins.pop((suspect.label, suspect.image, suspect.word), None)
            yield suspect
    yield from twins.values()


def _rank(suspect: Suspect) -> tuple[float, float, str, str, int, float]:
    place = (suspect.label, suspect.image, suspect.word, suspect.quad[0][0])
    return (-suspect.error_rate, -suspect.evidence, *place)


def _weight(tried: Sequence[Tried]) -> float:
    """What a planted error weighs, so that all of them together are as many as are expected."""
    words, planted = sum(each.words for each in tried), sum(each.planted for each in tried)
    return EXPECTED * words / planted if planted else 1.0


def numbers_of(suspects: Sequence[Suspect], words: int) -> dict[str, float]:
    """What a manifest says of suspects: how many there are by kind, and how many of them should be errors."""
    kinds = Counter(suspect.kind for suspect in suspects)
    expected = sum(suspect.error_rate for suspect in suspects)
    by_kind = {f"suspects_{kind}": float(kinds[kind]) for kind in KINDS if kinds[kind]}
    share = expected / words if words else 0.0
    return {"suspects": float(kinds.total()), "errors_expected": expected, "share_expected": share, **by_kind}
