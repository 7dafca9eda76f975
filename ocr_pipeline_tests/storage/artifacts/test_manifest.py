from __future__ import annotations

import json

import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import (
    Input,
    Manifest,
    manifest_path,
    read_manifest,
    upstream,
)
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.state import Making, find_state
from ocr_pipeline.storage.artifacts.vouching import write_manifest
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of


def make_manifest() -> Manifest:
    return Manifest(
        stage="annotations",
        partition="handwriting_train",
        code_version="1",
        settings={"jpeg_quality": 95, "max_pages": None},
        inputs=[Input("lookup", "abc")],
        fingerprint="def",
        counts=Counts(pages_in=2, pages_out=1, words_in=5, words_out=3, notes={"characters": 7}),
    )


def test_a_manifest_reads_back_as_it_was_written(tmp_path):
    artifact = tmp_path / "x.lmdb"
    artifact.mkdir()
    write_manifest(artifact, make_manifest())
    assert read_manifest(artifact) == make_manifest()
    assert json.loads(manifest_path(artifact).read_text())["settings"]["jpeg_quality"] == 95


def test_without_the_artifact_its_manifest_does_not_count(tmp_path):
    write_manifest(tmp_path / "gone", make_manifest())
    assert read_manifest(tmp_path / "gone") is None
    (tmp_path / "bare").touch()
    assert read_manifest(tmp_path / "bare") is None


def test_a_damaged_manifest_says_what_to_do(tmp_path):
    artifact = tmp_path / "x"
    artifact.touch()
    manifest_path(artifact).write_text('{"stage": ')
    with pytest.raises(PipelineError, match=r"x\.manifest\.json.*Delete it"):
        read_manifest(artifact)


@pytest.mark.parametrize(
    "changed", [("2", {"a": 1}, []), ("1", {"a": 2}, []), ("1", {"a": 1}, [Input("labels", "other")])]
)
def test_any_change_of_what_it_is_made_from_makes_it_stale(changed):
    manifest = make_manifest()
    manifest.settings, manifest.inputs = {"a": 1}, []
    assert manifest.made_from("1", {"a": 1}, [])
    assert not manifest.made_from(*changed)


def test_an_input_that_is_not_published_is_named(tmp_path):
    with pytest.raises(PipelineError, match="merged_json is not published"):
        upstream("merged_json", tmp_path / "none.json")


def test_fingerprints_tell_order_and_boundaries(tmp_path):
    known = [fingerprint_of(parts) for parts in (["ab", "c"], ["a", "bc"], ["c", "ab"], ["abc"], ["ab", "c", ""])]
    assert len(set(known)) == len(known)
    assert fingerprint_of(["ab", "c"]) == fingerprint_of([b"ab", b"c"])
    big = tmp_path / "big"
    big.write_bytes(bytes(3 << 20))
    before = fingerprint_file(big)
    with big.open("r+b") as file:
        file.seek(2 << 20)
        file.write(b"1")
    assert fingerprint_file(big) != before


def test_an_artifact_that_was_cut_since_is_taken_by_no_stage(tmp_path):
    artifact = tmp_path / "x_merged.json"
    artifact.write_bytes(b"12345")
    manifest = make_manifest()
    manifest.sizes = {"": 8, ".quarantine.parquet": 9}
    write_manifest(artifact, manifest)
    with pytest.raises(
        PipelineError, match=r"merged_json is damaged \(x_merged\.json has 5 of 8 bytes\).*merge"
    ) as error:
        upstream("merged_json", artifact)
    assert "quarantine" not in error.value.what
    artifact.write_bytes(b"12345678")
    assert upstream("merged_json", artifact).fingerprint == "def"


@pytest.mark.parametrize(("pages_out", "state"), [(2, "complete"), (500, "damaged"), (1, "damaged"), (-1, "damaged")])
def test_counts_that_contradict_each_other_are_damage(tmp_path, pages_out, state):
    artifact = tmp_path / "x"
    artifact.touch()
    manifest = make_manifest()
    manifest.counts = Counts(pages_in=2, pages_out=pages_out)
    write_manifest(artifact, manifest)
    found = find_state("annotations", artifact, Making()).state
    assert found.name == state and ("add up" in found.why) == (state == "damaged")
