"""Artifacts in an object store: what one machine publishes another reads, and nothing torn is ever taken for whole."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path

import msgspec
import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.depot import Depot, depot_of, mirror_of
from ocr_pipeline.storage.artifacts.manifest import (
    Manifest,
    here_manifest,
    known_manifest,
    manifest_path,
    published_at,
    quarantine_path,
    read_manifest,
)
from ocr_pipeline.storage.artifacts.vouching import retire, write_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.storage.source.s3_server import s3_bucket


@pytest.fixture(scope="module")
def bucket():
    with s3_bucket("artifacts") as url:
        yield url


@pytest.fixture
def machine(bucket, tmp_path, monkeypatch):
    """Makes a machine with a mirror of its own; all share one folder of the bucket."""

    def make(name: str) -> Workspace:
        monkeypatch.setenv("OCR_PIPELINE_MIRROR", str(tmp_path / name))
        return Workspace.at(f"{bucket}/{tmp_path.name}")

    return make


def publish(artifact: Path, content: str, fingerprint: str) -> Manifest:
    retire(artifact)
    artifact.parent.mkdir(parents=True, exist_ok=True)
    if artifact.suffix == ".lmdb":
        (artifact / "within").mkdir(parents=True, exist_ok=True)
        for name in ("data.mdb", "within/한글.txt"):
            (artifact / name).write_text(content + name)
    else:
        artifact.write_text(content)
    quarantine_path(artifact).write_text(f"aside of {content}")
    manifest = Manifest(stage="test", partition="p", code_version="1", settings={}, inputs=[], fingerprint=fingerprint)
    write_manifest(artifact, manifest)
    return manifest


@pytest.mark.parametrize("name", ["crops.lmdb", "json_merged/x_merged.json"])
def test_what_one_machine_publishes_another_reads(machine, name):
    here, there = machine("a"), machine("b")
    published = publish(here.root / name, "first ", "1")
    artifact = there.root / name
    assert not artifact.exists()
    assert known_manifest(artifact) == published
    assert not artifact.exists(), "a look at the manifest fetches no files"
    assert read_manifest(artifact) == published
    assert files(there.root, artifact.parent) == files(here.root, (here.root / name).parent)
    assert published_at(artifact) == pytest.approx(manifest_path(here.root / name).stat().st_mtime, abs=5)
    again = publish(here.root / name, "second ", "2")
    assert here_manifest(artifact) == published
    assert read_manifest(artifact) == again
    assert files(there.root, artifact.parent) == files(here.root, (here.root / name).parent)


def test_files_that_a_new_version_no_longer_has_go(machine):
    here, there = machine("a"), machine("b")
    publish(here.root / "x.lmdb", "", "1")
    read_manifest(there.root / "x.lmdb")
    shutil.rmtree(here.root / "x.lmdb" / "within")
    write_manifest(here.root / "x.lmdb", replace_fingerprint(here_manifest(here.root / "x.lmdb"), "2"))
    read_manifest(there.root / "x.lmdb")
    assert [path.name for path in (there.root / "x.lmdb").iterdir()] == ["data.mdb"]


def test_names_that_begin_alike_are_kept_apart(machine):
    here, there = machine("a"), machine("b")
    publish(here.root / "fast_champion.pth", "new", "2")
    publish(here.root / "fast_champion.previous.pth", "old", "1")
    publish(here.root / "fast_champion.pth", "newest", "3")
    read_manifest(there.root / "fast_champion.previous.pth")
    assert not (there.root / "fast_champion.pth").exists()
    assert (there.root / "fast_champion.previous.pth").read_text() == "old"


def test_so_are_names_that_go_on_after_a_dot(machine):
    here, there = machine("a"), machine("b")
    publish(here.root / "champion.lmdb", "new ", "2")
    publish(here.root / "champion.lmdb.previous.lmdb", "old ", "1")
    publish(here.root / "champion.lmdb", "newest ", "3")
    read_manifest(there.root / "champion.lmdb")
    assert not list(there.root.glob("champion.lmdb.previous*"))
    assert read_manifest(there.root / "champion.lmdb.previous.lmdb").fingerprint == "1"
    assert (there.root / "champion.lmdb.previous.lmdb" / "data.mdb").read_text() == "old data.mdb"


def test_what_is_retired_is_published_nowhere(machine):
    here, there = machine("a"), machine("b")
    publish(here.root / "x.json", "", "1")
    assert read_manifest(there.root / "x.json")
    retire(here.root / "x.json")
    assert known_manifest(there.root / "x.json") is None
    assert read_manifest(there.root / "x.json") is None
    assert here_manifest(there.root / "x.json") is None


def test_an_upload_that_was_killed_is_not_taken_for_whole(machine, monkeypatch):
    here, there = machine("a"), machine("b")
    publish(here.root / "x.lmdb", "first ", "1")
    with monkeypatch.context() as patch:
        patch.setattr(Depot, "send_file", lambda self, path: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            publish(here.root / "x.lmdb", "second ", "2")
    assert read_manifest(there.root / "x.lmdb") is None
    assert read_manifest(here.root / "x.lmdb") is None


def test_an_artifact_replaced_while_it_is_fetched_is_fetched_again(machine, monkeypatch):
    here, there = machine("a"), machine("b")
    publish(here.root / "x.lmdb", "first ", "1")
    fetched, versions = Depot._fetched, iter(["2", "3"])

    def replaced_meanwhile(self, *arguments):
        if version := next(versions, None):
            publish(here.root / "x.lmdb", f"version {version} ", version)
        return fetched(self, *arguments)

    monkeypatch.setattr(Depot, "_fetched", replaced_meanwhile)
    assert read_manifest(there.root / "x.lmdb").fingerprint == "3"
    assert files(there.root, there.root / "x.lmdb") == files(here.root, here.root / "x.lmdb")


def test_one_that_is_replaced_again_and_again_is_an_error(machine, monkeypatch):
    here, there = machine("a"), machine("b")
    publish(here.root / "x.lmdb", "first ", "1")
    fetched, versions = Depot._fetched, count()

    def replaced_meanwhile(self, *arguments):
        publish(here.root / "x.lmdb", "", str(next(versions)))
        return fetched(self, *arguments)

    monkeypatch.setattr(Depot, "_fetched", replaced_meanwhile)
    with pytest.raises(PipelineError, match="replaced faster"):
        read_manifest(there.root / "x.lmdb")
    assert here_manifest(there.root / "x.lmdb") is None


def test_a_bucket_that_is_not_there_is_named(tmp_path, bucket, monkeypatch):
    monkeypatch.setenv("OCR_PIPELINE_MIRROR", str(tmp_path / "mirror"))
    with pytest.raises(PipelineError, match="no such bucket"):
        publish(Workspace.at("s3://nowhere/data").root / "x.json", "", "1")


def test_a_mirror_is_of_one_depot_and_never_a_folder_with_something_else(tmp_path):
    mirror = {"OCR_PIPELINE_MIRROR": str(tmp_path / "mirror")}
    assert mirror_of("s3://a/b/", mirror) == mirror_of("s3://a/b", mirror) == tmp_path / "mirror"
    assert depot_of(tmp_path / "mirror" / "json_merged" / "x.json").url == "s3://a/b"
    with pytest.raises(PipelineError, match="something else"):
        mirror_of("s3://a/c", mirror)
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "x_layout.lmdb").touch()
    with pytest.raises(PipelineError, match="something else"):
        mirror_of("s3://a/b", {"OCR_PIPELINE_MIRROR": str(tmp_path / "output")})


@pytest.mark.parametrize("url", ["ftp://host/data", "s3://me:word@bucket/data"])
def test_other_urls_are_refused(url, tmp_path):
    with pytest.raises(PipelineError, match="s3://") as caught:
        mirror_of(url, {"OCR_PIPELINE_MIRROR": str(tmp_path)})
    assert "word" not in str(caught.value)


def test_a_folder_has_no_depot(tmp_path):
    assert depot_of(Workspace.at(tmp_path).root / "x.json") is None


def files(root: Path, folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and ".arriving" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found if path.name != ".depot"}


def replace_fingerprint(manifest: Manifest, fingerprint: str) -> Manifest:
    return msgspec.structs.replace(manifest, fingerprint=fingerprint)
