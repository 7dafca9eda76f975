"""What a maker may rely on when it enters a publication."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocr_pipeline.page import Quarantined
from ocr_pipeline.release.checkpoint import TrainedCheckpoint
from ocr_pipeline.release.recipe import Recipe
from ocr_pipeline.storage.artifacts.manifest import Input, manifest_path, quarantine_path, read_manifest
from ocr_pipeline.storage.artifacts.publication import publication
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.renewal import ANYHOW

RECORD = Quarantined("word", "word_outside", "d", "s", word=4)


def opened(artifact: Path, text: str, **options):
    inputs = [Input("labels", text)]
    return publication(artifact, stage="test", partition="p", code_version="1", settings={}, inputs=inputs, **options)


def publish(artifact: Path, text: str, **options):
    with opened(artifact, text, **options) as made:
        if made.current is None:
            made.set_aside(RECORD)
            with made.file() as draft:
                draft.write_text(text)
            made.fingerprint = text
    return made.manifest


def test_what_is_current_is_left_alone(tmp_path):
    artifact = tmp_path / "x.json"
    first = publish(artifact, "a")
    artifact.write_text("z")
    assert publish(artifact, "a") == first == read_manifest(artifact)
    assert artifact.read_text() == "z"
    publish(artifact, "a", renewal=ANYHOW.also(rebuild=True))
    assert artifact.read_text() == "a"
    assert publish(artifact, "b").fingerprint == "b"


def test_what_is_set_aside_is_counted_and_kept(tmp_path):
    artifact = tmp_path / "x.json"
    with opened(artifact, "a") as made:
        made.set_aside(RECORD)
        made.add(Counts(pages_in=3, reasons={"page": {"image_missing": 1}, "word": {}}), [RECORD, RECORD])
        made.fingerprint = "a"
    counts = made.manifest.counts
    assert counts.reasons == {"page": {"image_missing": 1}, "word": {"word_outside": 1}}
    assert counts.pages_in == 3
    assert list(read_quarantine(quarantine_path(artifact))) == [RECORD] * 3


def test_a_quarantine_without_records_is_published_too_but_not_where_there_is_none(tmp_path):
    for name, options in (("x", {}), ("y", {"has_quarantine": False})):
        with opened(tmp_path / name, "a", **options) as made:
            with made.file() as draft:
                draft.touch()
            made.fingerprint = "a"
    assert list(read_quarantine(quarantine_path(tmp_path / "x"))) == []
    assert not quarantine_path(tmp_path / "y").exists()


def test_an_error_before_anything_is_replaced_leaves_what_was_published(tmp_path):
    artifact = tmp_path / "x.json"
    publish(artifact, "a")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(KeyboardInterrupt), opened(artifact, "b") as made:
        made.set_aside(RECORD)
        made.set_aside(RECORD)
        with made.file() as draft:
            draft.write_text("b")
            raise KeyboardInterrupt
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_error_after_that_leaves_no_manifest(tmp_path):
    artifact = tmp_path / "x.json"
    publish(artifact, "a")
    with pytest.raises(KeyboardInterrupt), opened(artifact, "b") as made:
        with made.file("stamps") as draft:
            draft.write_text("b")
        raise KeyboardInterrupt
    assert (tmp_path / "x.json.stamps").read_text() == "b"
    assert not manifest_path(artifact).exists()


def test_a_block_that_makes_nothing_is_a_mistake_and_vouches_for_nothing(tmp_path):
    with pytest.raises(AssertionError, match=r"made no x\.json"), opened(tmp_path / "x.json", "a"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_same_from_other_inputs_only_gets_a_new_manifest(tmp_path):
    artifact = tmp_path / "x.json"
    publish(artifact, "a")
    before = {path: path.stat().st_mtime_ns for path in (artifact, quarantine_path(artifact))}
    with opened(artifact, "b") as made:
        assert made.published and made.published.fingerprint == "a"
        made.renew()
    manifest = read_manifest(artifact)
    assert manifest.inputs == [Input("labels", "b")] and manifest.fingerprint == "a"
    assert manifest.counts.words_quarantined == 1
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_after_a_kill_a_training_is_not_found_published_over_the_weights_of_another(tmp_path, monkeypatch):
    def training(name: str) -> TrainedCheckpoint:
        (tmp_path / name).write_text(f"weights of training {name}")
        recipe = Recipe((), (), (), [Input("a_train.lmdb", name)], Counts())
        return TrainedCheckpoint("fast_checkpoint", tmp_path / "fast_checkpoint.pth", "1", {}, recipe)

    def publish_checkpoint(name: str) -> None:
        this = training(name)
        with this.publication() as made:
            assert made.current is None
            this.publish(made, tmp_path / name, {"hmean": 0.9})

    publish_checkpoint("A")
    with training("A").publication() as made:
        assert made.current.metrics == {"hmean": 0.9}
    with monkeypatch.context() as patch:
        patch.setattr("ocr_pipeline.storage.artifacts.publication.write_manifest", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            publish_checkpoint("B")
    assert (tmp_path / "fast_checkpoint.pth").read_text() == "weights of training B"
    assert read_manifest(tmp_path / "fast_checkpoint.pth") is None
    publish_checkpoint("A")


def test_what_another_program_made_in_its_place_is_kept(tmp_path, caplog):
    """The guide's scripts write crops and layouts of the same names into the folder that is the output here."""
    artifact = tmp_path / "x_layout.lmdb"
    for text in ("theirs", "theirs, later"):
        artifact.mkdir()
        (artifact / "data.mdb").write_text(text)
        with opened(artifact, "a") as made:
            with made.folder() as draft:
                (draft / "data.mdb").write_text("ours")
            made.fingerprint = "a"
        assert (artifact / "data.mdb").read_text() == "ours"
        for path in (artifact / "data.mdb", quarantine_path(artifact), manifest_path(artifact)):
            path.unlink()
        artifact.rmdir()
    kept = {path.parent.name: path.read_text() for path in tmp_path.rglob("data.mdb")}
    assert kept == {"x_layout.lmdb.earlier": "theirs", "x_layout.lmdb.earlier1": "theirs, later"}
    assert f"{artifact} was not published from here and is kept as x_layout.lmdb.earlier" in caplog.text


def test_what_a_kill_of_ours_left_is_not(tmp_path):
    artifact = tmp_path / "x.json"
    publish(artifact, "a")
    manifest_path(artifact).unlink()
    publish(artifact, "b")
    assert not list(tmp_path.glob("*.earlier"))


def test_where_the_artifact_is_a_link_theirs_stays_on_its_disk(tmp_path):
    disk, artifact = tmp_path / "disk", tmp_path / "x.json"
    disk.mkdir()
    (disk / "x.json").write_text("theirs")
    artifact.symlink_to(disk / "x.json")
    publish(artifact, "a")
    assert artifact.is_symlink() and artifact.read_text() == "a"
    assert (disk / "x.json.earlier").read_text() == "theirs"
