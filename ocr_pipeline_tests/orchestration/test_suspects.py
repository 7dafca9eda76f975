"""The mirror of the labels in the graph: found, shown, mended, and named by the champion that learnt from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.data.corrections import Correction, write_overlay
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.data.review import Readers, Suspect, import_review, read_sitting, read_suspects, write_sitting
from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.orchestration.assets import suspects as suspects_asset
from ocr_pipeline.orchestration.checks.suspects import SuspectLimit
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.release.lineage import holder_of
from ocr_pipeline.storage.artifacts.lineage_parquet import read_traces
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.data.corrections.making import NOON
from ocr_pipeline_tests.data.review.looking import Parrot
from ocr_pipeline_tests.orchestration.test_data_job import WARN, failed_checks, metadata
from ocr_pipeline_tests.trees import hand_tree, write_tree

TRAIN = source_partition("public_admin_train")
BOXES_AS_THEY_ARE = {"ops": {"label_suspects": {"config": {"search": False}}}}
LEARNS = {
    "ops": {
        "dlora_checkpoint": {
            "config": {
                "model_name_or_path": str(TINY_KOREAN),
                "options": {"max_steps": 2, "eval_samples": 4, "per_device_train_batch_size": 4},
            }
        }
    }
}


def materialize(
    workspace: Workspace, share: Path, instance: dg.DagsterInstance, *assets: str, partition: str | None, **more
) -> dg.ExecuteInProcessResult:
    """Some assets and their checks, as a person who clicks on them runs them."""
    definitions = build_definitions(Locations(source=str(share), output=str(workspace.root)))
    job = definitions.resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey(name) for name in assets]
    return job.execute_in_process(partition_key=partition, instance=instance, asset_selection=keys, **more)


def test_suspects_are_counted_shown_and_warned_of(
    tmp_path: Path, workspace: Workspace, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = write_tree(tmp_path / "share", hand_tree(3))
    monkeypatch.setattr(suspects_asset, "readers_of", lambda *_: Readers({"parrot": Parrot("글1")}))
    monkeypatch.setenv("OCR_PIPELINE_SUSPECT_LIMIT", "0.001")

    assets = ("merged_json", "lookup", "label_suspects")
    result = materialize(workspace, share, instance, *assets, partition="handwriting_train")
    told = metadata(result, "label_suspects")
    assert (told["suspects"], told["suspects_other"], told["readers"]) == (5, 3, "parrot")
    assert "| other | 3 |" in told["kinds"] and "| jamo | 2 |" in told["kinds"] and "| case | 0 |" in told["kinds"]
    assert told["likeliest"].count("data:image/") == 5 and "글0 → 글1 · jamo" in told["likeliest"]
    assert result.success, "a warning stops nothing"
    assert failed_checks(result, WARN) == {("few_suspects", "label_suspects")}
    manifest = read_manifest(workspace.suspects("handwriting_train"))
    assert SuspectLimit(share=1.0).check(manifest).passed


def wrong_labels(workspace: Workspace) -> list[Correction]:
    """One word of each page labelled as the next word but one is: planted as people would mend, only the wrong way."""
    pages = read_pages(workspace.merged_json(TRAIN.key), TRAIN)
    readable = ((page, [word for word in page.words if word.state == "ok"]) for page in pages)
    return [
        Correction(
            label=page.label,
            image=page.image,
            word=words[0].id,
            action="text",
            before=words[0].text,
            after=next(word.text for word in words[2:] if word.text != words[0].text),
            when=NOON,
            review="planted",
        )
        for page, words in readable
    ]


def mend(workspace: Workspace, folder: Path, planted: list[Correction], found: list[Suspect]) -> None:
    """What a person saves who looks at all suspects and sees what is wrong."""
    kinds = {(each.image, each.word): each.kind for each in found}
    rows = [
        Correction(
            label=row.label,
            image=row.image,
            word=row.word,
            action="text",
            before=row.after,
            after=row.before,
            when=NOON.replace(hour=13),
            review="mended",
            why=kinds[row.image, row.word],
        )
        for row in planted
    ]
    write_sitting(folder / "mended.json", TRAIN.key, "mended", "김", rows)
    import_review(workspace, read_sitting(folder / "mended.json"))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("drawn")
    write_collection(root, pages={TRAIN.key: 3, "public_admin_valid": 2})
    yield root


@pytest.mark.slow
def test_from_a_wrong_label_to_the_champion_that_learnt_its_correction(
    drawn: Path, tmp_path: Path, workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    """By the shipped readers, with a real training of two steps."""

    def run(*assets: str, partition: str | None = TRAIN.key, **more) -> dg.ExecuteInProcessResult:
        result = materialize(workspace, drawn, instance, *assets, partition=partition, **more)
        assert result.success
        return result

    run("merged_json")
    planted = wrong_labels(workspace)
    write_overlay(workspace.corrections(TRAIN.key), planted)
    stages = ("merged_json", "lookup", "label_suspects")
    run(*stages, run_config=BOXES_AS_THEY_ARE)
    found = list(read_suspects(workspace.suspects(TRAIN.key)))
    wrong = {(row.image, row.word): (row.after, row.before) for row in planted}
    told = {(each.image, each.word): (each.text, each.reading) for each in found[: len(planted)]}
    assert told == wrong, "the likeliest errors are the planted ones, read as they should be"
    mend(workspace, tmp_path, planted, found)
    again = run(*stages, run_config=BOXES_AS_THEY_ARE)
    assert not wrong.keys() & {(each.image, each.word) for each in read_suspects(workspace.suspects(TRAIN.key))}
    assert f"| {len(planted)} | {len(planted)} |" in metadata(again, "label_suspects")["yield"]
    for partition in (TRAIN.key, "public_admin_valid"):
        run("merged_json", "lookup", "annotations", "layout_lmdb", "data_quality", partition=partition)
    run("dlora_checkpoint", "dlora_champion", partition=None, run_config=LEARNS)
    rows = [json.loads(text) for trace in traces(workspace) for text in trace.corrections]
    assert sorted(row["after"] for row in rows if row["review"] == "mended") == sorted(row.before for row in planted)


def traces(workspace: Workspace):
    return read_traces(holder_of(workspace, "dlora_champion").lineage)
