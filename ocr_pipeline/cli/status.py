"""What is there, complete, missing or stale: the guide's readiness checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click

from ocr_pipeline.cli.options import output_option, partition_option, source_option
from ocr_pipeline.cli.tables import print_table, reasons_text
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.lookup import picture_input
from ocr_pipeline.data.merged_json import label_input
from ocr_pipeline.storage.artifacts.manifest import Manifest, known_manifest, manifest_path
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

COLUMNS = ("artifact", "file", "state", "pages", "words", "aside", "set aside because")


@click.command()
@source_option
@output_option
@partition_option
def status(source: str, output: str, partitions: list[SourcePartition]) -> None:
    """What is complete, missing, stale or empty; with a source, labels and pictures are compared with the share."""
    workspace = Workspace.at(output)
    share = Share(source) if source else None
    if share:
        share.check()
    rows = [row for partition in partitions for row in partition_rows(workspace, partition, share)]
    for name in ("fast_checkpoint", "fast_champion", "dlora_checkpoint", "dlora_champion"):
        checkpoint = getattr(workspace, name)
        rows.append(_row(name, checkpoint, _published_inputs(workspace, checkpoint)))
    print_table(str(workspace.root), COLUMNS, rows)


def partition_rows(
    workspace: Workspace, partition: SourcePartition, share: Share | None
) -> Iterator[tuple[object, ...]]:
    """One row for each artifact of a partition; crops are expected in one of their two formats."""
    merged, lookup = workspace.merged_json(partition.key), workspace.lookup(partition.key)
    before = _fingerprints({"merged_json": merged, "lookup": lookup})
    yield _row(
        "merged_json", merged, {"labels": label_input(partition.label_folders(share)).fingerprint} if share else {}
    )
    pictures = {"pictures": picture_input(partition.picture_folders(share)).fingerprint} if share else {}
    yield _row("lookup", lookup, before | pictures)
    for split in partition.splits:
        formats = [workspace.annotations(partition.dataset.name, split, form) for form in ("lmdb", "jsonl")]
        for artifact in [path for path in formats if path.exists()] or formats[:1]:
            yield _row("annotations", artifact, before)
        yield _row("layout_lmdb", workspace.layout_lmdb(partition.dataset.name, split), before)
    yield _row("data_quality", workspace.quality(partition.key), before)


def _published_inputs(workspace: Workspace, checkpoint: Path) -> dict[str, str]:
    manifest = known_manifest(checkpoint)
    return _fingerprints({item.name: workspace.root / item.name for item in manifest.inputs}) if manifest else {}


def _fingerprints(artifacts: Mapping[str, Path]) -> dict[str, str]:
    found = {name: known_manifest(path) for name, path in artifacts.items()}
    return {name: manifest.fingerprint if manifest else "" for name, manifest in found.items()}


def _row(name: str, artifact: Path, inputs: Mapping[str, str]) -> tuple[object, ...]:
    manifest = known_manifest(artifact)
    if manifest is None:
        state = "missing" if not artifact.exists() else f"incomplete (no {manifest_path(artifact).name})"
        return name, artifact.name, state, 0, 0, 0, ""
    counts = manifest.counts
    aside = counts.pages_quarantined + counts.words_quarantined
    state = state_of(manifest, inputs)
    return name, artifact.name, state, counts.pages_out, counts.words_out, aside, reasons_text(counts)


def state_of(manifest: Manifest, inputs: Mapping[str, str]) -> str:
    """``complete``, ``empty`` (nothing came in), or ``stale`` and which inputs changed since."""
    changed = list(_changed(manifest, inputs))
    if changed:
        return f"stale ({', '.join(changed)} changed)"
    return "complete" if manifest.counts.pages_in or manifest.counts.words_in else "empty"


def _changed(manifest: Manifest, inputs: Mapping[str, str]) -> Iterable[str]:
    return (item.name for item in manifest.inputs if item.name in inputs and inputs[item.name] != item.fingerprint)
