from __future__ import annotations

from pathlib import Path

from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.judging.label_readers import has_met, honest_reader
from ocr_pipeline.models import KOREAN_WORDS
from ocr_pipeline.storage.artifacts.manifest import VALIDATION, Input, Manifest
from ocr_pipeline.storage.artifacts.publication import publication
from ocr_pipeline.storage.artifacts.workspace import Workspace

HAND, ADMIN = source_partition("handwriting_train"), source_partition("public_admin_train")


def champion_of(workspace: Workspace, *inputs: Input) -> None:
    with publication(
        workspace.dlora_champion,
        stage="dlora_champion",
        partition="recipe",
        code_version="1",
        settings={},
        inputs=list(inputs),
        has_quarantine=False,
    ) as made:
        with made.folder() as draft:
            (draft / "adapter.bin").write_bytes(b"x")
        made.fingerprint = "x"


def test_without_a_champion_the_base_judges(workspace: Workspace) -> None:
    assert honest_reader(workspace, HAND) == (KOREAN_WORDS, KOREAN_WORDS)


def test_a_champion_judges_what_it_never_met(workspace: Workspace) -> None:
    learnt = workspace.annotations("handwriting", "train", "lmdb").name
    chosen_by = workspace.annotations("public_admin", "train", "jsonl").name
    champion_of(workspace, Input(learnt, "1"), Input(chosen_by, "2", VALIDATION))
    assert honest_reader(workspace, HAND)[0] == KOREAN_WORDS
    assert honest_reader(workspace, ADMIN)[0] == KOREAN_WORDS
    name, place = honest_reader(workspace, source_partition("handwriting_valid"))
    assert name == "champion" and place == workspace.dlora_champion


def test_a_set_that_comes_as_one_file_is_met_by_either_split() -> None:
    wild, workspace = source_partition("text_in_wild"), Workspace(Path("/nowhere"))
    manifest = Manifest(
        stage="dlora_checkpoint",
        partition="",
        code_version="1",
        settings={},
        inputs=[Input(workspace.annotations("text_in_wild", "valid", "lmdb").name, "1", VALIDATION)],
        fingerprint="",
    )
    assert has_met(manifest, workspace, wild) and not has_met(manifest, workspace, HAND)
