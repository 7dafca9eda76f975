"""A large partition is an LMDB in parts: read as one, and a delivery writes the parts that it touches."""

from __future__ import annotations

import shutil
from itertools import chain
from pathlib import Path

import msgspec
import pytest

from ocr_pipeline.data.annotations import CropReader, stored_crops
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.release.lineage import held_by
from ocr_pipeline.storage.artifacts.lineage_parquet import Wanted
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.state import differing_files
from ocr_pipeline.storage.artifacts.versions import keep_version, version_of
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.lmdb_parts import read_parts
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.annotations.making import build
from ocr_pipeline_tests.trees import HAND_LABELS, HAND_PICTURES, contents, corner_label, hand_tree, picture, write_tree

PAGES = 60
NEW = {f"{HAND_LABELS}/R.Free0/IMG_OCR_53_4PR_00030b.json": corner_label("새것"),
       f"{HAND_PICTURES}/R.Free0/IMG_OCR_53_4PR_00030b.png": picture(seed=99)}  # fmt: skip


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of about 2 pages and parts of about 12."""
    monkeypatch.setattr("ocr_pipeline.data.annotations.stage.SHARD_SIZE", 2)
    monkeypatch.setattr("ocr_pipeline.data.annotations.formats.PART_PAGES", 12)
    monkeypatch.setattr("ocr_pipeline.data.annotations.formats._SHARDS_TO_A_BEGINNING", 3)


@pytest.fixture
def share(tmp_path: Path) -> Share:
    return Share(write_tree(tmp_path / "share", hand_tree(PAGES)))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "output")


def made(share: Share, workspace: Workspace, **more: object) -> Path:
    build(share, workspace, "lmdb", **more)
    return workspace.annotations("handwriting", "train", "lmdb")


def samples(artifact: Path) -> list[tuple[bytes, bytes, bytes]]:
    stored = stored_crops(artifact)
    return [crop[1:] for crop in stored.get(stored.numbers)]  # type: ignore[misc]


def test_parts_are_read_as_one_and_are_what_one_file_holds(
    share: Share, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = made(share, workspace)
    parts = read_parts(artifact)
    assert len(parts) > 3 and not (artifact / "data.mdb").exists()
    monkeypatch.setattr("ocr_pipeline.data.annotations.formats.PART_PAGES", 50_000)
    whole = made(share, Workspace(tmp_path / "whole"))
    assert {path.name for path in whole.iterdir()} == {"data.mdb"}
    assert samples(artifact) == samples(whole)
    assert read_manifest(artifact).fingerprint == read_manifest(whole).fingerprint  # type: ignore[union-attr]
    reader, by_parts = CropReader(artifact), [CropReader(artifact / part.name) for part in parts]
    assert len(reader) == 2 * PAGES
    own = chain.from_iterable((each.text(place) for place in range(len(each))) for each in by_parts)
    assert [reader.text(place) for place in range(len(reader))] == list(own)
    last = by_parts[-1].read(len(by_parts[-1]) - 1)
    assert (reader.read(len(reader) - 1).image, reader.read(len(reader) - 1).text) == (last.image, last.text)


def test_the_number_of_workers_makes_no_difference_to_any_byte(
    share: Share, workspace: Workspace, tmp_path: Path
) -> None:
    one, four = made(share, workspace, workers=1), made(share, Workspace(tmp_path / "four"), workers=4)
    assert contents(one) == contents(four)


def test_one_page_more_writes_two_parts_at_most_and_the_same_as_from_scratch(
    share: Share, workspace: Workspace, tmp_path: Path
) -> None:
    artifact = made(share, workspace)
    before = {path.stat().st_ino for path in artifact.glob("part-*/data.mdb")}
    write_tree(Path(share.place), NEW)
    assert made(share, workspace) == artifact
    written = [path for path in artifact.glob("part-*/data.mdb") if path.stat().st_ino not in before]
    assert 1 <= len(written) <= 2 < len(before)
    assert contents(artifact) == contents(made(share, Workspace(tmp_path / "scratch")))
    manifest = read_manifest(artifact)
    assert manifest and not differing_files(artifact, manifest)


def test_a_damaged_part_is_made_again_and_never_linked(share: Share, workspace: Workspace, tmp_path: Path) -> None:
    artifact = made(share, workspace)
    last = artifact / read_parts(artifact)[-1].name / "data.mdb"
    data = bytearray(last.read_bytes())
    data[len(data) // 2] ^= 0xFF
    last.write_bytes(data)
    write_tree(Path(share.place), NEW)
    assert contents(made(share, workspace)) == contents(made(share, Workspace(tmp_path / "scratch")))


def test_a_version_in_parts_is_kept_whole(share: Share, workspace: Workspace) -> None:
    artifact = made(share, workspace)
    before, manifest = samples(artifact), read_manifest(artifact)
    assert manifest
    keep_version(artifact)
    write_tree(Path(share.place), NEW)
    made(share, workspace)
    assert samples(version_of(artifact, manifest.fingerprint).artifact) == before != samples(artifact)
    new = held_by(workspace, Wanted(image="IMG_OCR_53_4PR_00030b.png"))
    assert artifact.name in {holder.name for holder, _ in new}


@pytest.mark.parametrize("damage", [b"", b"[", b"{}", msgspec.json.encode([{"name": "part-00000"}])])
def test_a_damaged_index_or_a_missing_part_is_told(share: Share, workspace: Workspace, damage: bytes) -> None:
    artifact = made(share, workspace)
    index = (artifact / "parts.json").read_bytes()
    (artifact / "parts.json").write_bytes(damage)
    with pytest.raises(PipelineError, match="index of the LMDB's parts"):
        CropReader(artifact)
    (artifact / "parts.json").write_bytes(index)
    shutil.rmtree(artifact / "part-00001")
    with pytest.raises(PipelineError, match="no LMDB here"):
        CropReader(artifact)
