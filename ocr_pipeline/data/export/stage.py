"""Published artifacts -> a folder in the form of another tool, with a manifest of what it was made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.export.forms import FORMS
from ocr_pipeline.data.export.samples import Source
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import known_manifest
from ocr_pipeline.storage.artifacts.stages import STAGES
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.publishing import publish_folder
from ocr_pipeline.storage.files.typed_paths import claim

MANIFEST = "manifest.json"


def export_data(
    workspace: Workspace, partitions: Iterable[SourcePartition], form: str, folder: Path, *, overwrite: bool = False
) -> dict[str, int]:
    """Write what is published of some partitions into ``folder``, which appears whole or not at all.

    Args:
        form: one of `FORMS`.
        overwrite: replace what stands at ``folder``.

    Returns:
        The number of samples of each artifact, by its name.

    Raises:
        PipelineError: nothing of these partitions is published, a sample is damaged, or ``folder`` is not free.
    """
    sources = list(_published(workspace, partitions, FORMS[form].of))
    if not sources:
        raise PipelineError(
            "nothing of these partitions is published",
            where=workspace.root,
            remedy=f"Run `ocr-pipeline {STAGES[FORMS[form].of].command}` first.",
        )
    claim(folder, inputs=[source.path for source in sources], overwrite=overwrite)
    with publish_folder(folder) as draft:
        counts = {source.path.name: FORMS[form].write(draft, source) for source in sources}
        (draft / MANIFEST).write_bytes(_manifest(form, sources, counts))
    return counts


def _published(workspace: Workspace, partitions: Iterable[SourcePartition], stage: str) -> Iterator[Source]:
    """One artifact for each data set and split: of crops in both formats the LMDB."""
    taken = set[tuple[str, str]]()
    for partition in partitions:
        for path in STAGES[stage].artifacts(workspace, [partition]):
            manifest, split = known_manifest(path), _split_of(path, partition)
            if manifest and (partition.dataset.name, split) not in taken:
                taken.add((partition.dataset.name, split))
                yield Source(partition.dataset.name, split, path, manifest.fingerprint)


def _split_of(path: Path, partition: SourcePartition) -> str:
    """The split of an artifact, by its name; of two that fit the longer one (train_partly, train)."""
    return max((split for split in partition.splits if f"_{split}" in path.stem), key=len)


def _manifest(form: str, sources: list[Source], counts: dict[str, int]) -> bytes:
    inputs = [
        {"name": source.path.name, "fingerprint": source.version, "samples": counts[source.path.name]}
        for source in sources
    ]
    return msgspec.json.format(msgspec.json.encode({"stage": "export", "form": form, "inputs": inputs}))
