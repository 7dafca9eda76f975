"""Drawn words as a data set: read like any other, the same from any number of workers, vouched for by its manifest."""

from dataclasses import replace

import pytest

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.data.synthetic import word_set
from ocr_pipeline.data.synthetic.faces import HELD_OUT, package_faces
from ocr_pipeline.data.synthetic.settings import WordSetSettings
from ocr_pipeline.data.synthetic.word_set import draw_words
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.files.pictures import decode_picture

SETTINGS = WordSetSettings(words=12, seed=5)


def content(folder):
    return (folder / "data.mdb").read_bytes()


def test_its_words_are_read_like_any_others(tmp_path):
    draw_words(tmp_path / "synthetic.lmdb", SETTINGS)
    crops = CropReader(tmp_path / "synthetic.lmdb")
    assert len(crops) == 12
    crop = crops.read(3)
    assert decode_picture(crop.image, "RGB").ndim == 3 and crop.text == crops.text(3) and '"5/3"' in crop.source


def test_any_number_of_workers_draws_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(word_set, "SHARE", 5)
    draw_words(tmp_path / "a.lmdb", SETTINGS)
    draw_words(tmp_path / "b.lmdb", SETTINGS, workers=2)
    assert content(tmp_path / "a.lmdb") == content(tmp_path / "b.lmdb")
    draw_words(tmp_path / "c.lmdb", replace(SETTINGS, seed=6))
    assert content(tmp_path / "a.lmdb") != content(tmp_path / "c.lmdb")


def test_a_manifest_names_every_face_and_no_held_out_one(tmp_path):
    manifest = draw_words(tmp_path / "synthetic.lmdb", SETTINGS)
    named = {item.name.rpartition(" (")[0]: item.fingerprint for item in manifest.inputs}
    assert {face.name: face.fingerprint for face in package_faces()}.items() <= named.items()
    assert not set(named) & HELD_OUT and all("(" in item.name for item in manifest.inputs)
    assert manifest.counts.words_out == 12 and manifest.settings["seed"] == 5


def test_what_is_current_is_not_drawn_again(tmp_path, monkeypatch):
    draw_words(tmp_path / "synthetic.lmdb", SETTINGS)
    monkeypatch.setattr(word_set, "_drawn", None)
    assert draw_words(tmp_path / "synthetic.lmdb", SETTINGS) == read_manifest(tmp_path / "synthetic.lmdb")


def test_a_run_that_fails_leaves_what_was_there_or_nothing(tmp_path, monkeypatch):
    def broken(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(word_set, "_drawn", broken)
    with pytest.raises(PipelineError, match="full"):
        draw_words(tmp_path / "synthetic.lmdb", SETTINGS)
    assert read_manifest(tmp_path / "synthetic.lmdb") is None and not (tmp_path / "synthetic.lmdb").exists()


def test_judges_faces_that_are_not_there_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(word_set, "korean_faces", package_faces)
    with pytest.raises(PipelineError, match="held-out"):
        draw_words(tmp_path / "judge.lmdb", replace(SETTINGS, held_out=True))
