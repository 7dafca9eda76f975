"""What is exported is what is published, in the form that others read, with its origin."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from ocr_pipeline.cli import cli
from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.files.lmdb_parts import read_parts
from ocr_pipeline_tests.trees import (
    HAND_LABELS,
    HAND_PICTURES,
    contents,
    corner_label,
    hand_tree,
    picture,
    write_tree,
)

TEXTS = ["합계", "영수"]


def run(root: Path, *words: object) -> Result:
    places = {"OCR_PIPELINE_SOURCE": str(root / "share"), "OCR_PIPELINE_OUTPUT": str(root / "output")}
    return CliRunner().invoke(cli, [*map(str, words), "--partition", "handwriting"], env=places)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("export")
    label, page = f"{HAND_LABELS}/O.Form/a.json", f"{HAND_PICTURES}/O.Form/a.png"
    write_tree(root / "share", {label: corner_label(*TEXTS, None), page: picture()})
    for command in (["merge"], ["lookup"], ["annotations", "--output_format", "lmdb"], ["layout"]):
        assert run(root, *command).exit_code == 0
    return root


def exported(root: Path, to: str) -> Path:
    done = run(root, "export-data", root / to, "--to", to, "--overwrite")
    assert done.exit_code == 0, done.output
    return root / to


def version(root: Path, name: str) -> str:
    manifest = read_manifest(root / "output" / name)
    assert manifest
    return manifest.fingerprint


def test_parquet_holds_pictures_texts_and_origins_as_hugging_face_reads_them(root: Path) -> None:
    table = pq.read_table(exported(root, "hf") / "data" / "train-handwriting.parquet")
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["image"] == {"_type": "Image"} and set(features) == set(table.column_names)
    rows = table.to_pylist()
    assert [row["text"] for row in rows] == TEXTS
    assert Image.open(io.BytesIO(rows[0]["image"]["bytes"])).size == (16, 10)
    name = "handwriting_annotations_train.lmdb"
    assert (rows[1]["sample"], rows[1]["version"]) == (f"{name}#2", version(root, name))


def test_a_tar_holds_each_sample_under_one_key_and_the_same_bytes_again(root: Path) -> None:
    path = exported(root, "webdataset") / "handwriting-train-000000.tar"
    first = path.read_bytes()
    with tarfile.open(path) as tar:
        names = tar.getnames()
        file = tar.extractfile("000000001.json")
        assert file and json.load(file)["text"] == TEXTS[1]
    assert [name.partition(".")[0] for name in names] == ["000000000"] * 3 + ["000000001"] * 3
    exported(root, "webdataset")
    assert path.read_bytes() == first


def test_crops_in_one_lmdb_are_what_the_field_reads(root: Path) -> None:
    name = "handwriting_annotations_train.lmdb"
    crops, published = (CropReader(folder / name) for folder in (exported(root, "lmdb"), root / "output"))
    assert [crops.text(index) for index in (0, 1)] == TEXTS
    assert [crops.read(index).image for index in (0, 1)] == [published.read(index).image for index in (0, 1)]
    assert f'"sample":"{name}#2","version":"{version(root, name)}"' in crops.read(1).source


def test_a_layout_in_parts_becomes_the_one_file_that_it_would_have_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path / "share", hand_tree(12))
    whole, name = tmp_path / "whole", "handwriting_train_layout.lmdb"
    for output in (whole, tmp_path):
        for command in ("merge", "lookup", "layout"):
            assert run(tmp_path, command, "--output", output / "output").exit_code == 0
        monkeypatch.setattr("ocr_pipeline.data.layout_lmdb.build.PART_PAGES", 2)
    assert len(read_parts(tmp_path / "output" / name)) > 2
    assert contents(exported(tmp_path, "layout-lmdb") / name) == contents(whole / "output" / name)


def test_ppocr_lines_name_pictures_that_are_the_crops(root: Path) -> None:
    folder = exported(root, "ppocr")
    lines = [line.split("\t") for line in (folder / "rec_gt_train.txt").read_text(encoding="utf-8").splitlines()]
    crops = CropReader(root / "output" / "handwriting_annotations_train.lmdb")
    assert [text for _, text in lines] == TEXTS
    assert [(folder / name).read_bytes() for name, _ in lines] == [crops.read(index).image for index in (0, 1)]


def test_coco_has_the_words_of_the_page_and_what_need_not_be_found(root: Path) -> None:
    folder = exported(root, "coco")
    document = json.loads((folder / "handwriting_train.json").read_text(encoding="utf-8"))
    (image,) = document["images"]
    assert Image.open(folder / image["file_name"]).size == (image["width"], image["height"]) == (60, 40)
    found = [(each["text"], each["bbox"], each["iscrowd"]) for each in document["annotations"]]
    assert found == [("합계", [2, 4, 16, 10], 0), ("영수", [20, 4, 16, 10], 0), ("", [38, 4, 16, 10], 1)]
    assert not (folder / "words.part").exists()


def test_the_manifest_names_what_it_was_made_from(root: Path) -> None:
    manifest = json.loads((exported(root, "hf") / "manifest.json").read_text(encoding="utf-8"))
    inputs = {each["name"]: each for each in manifest["inputs"]}
    name = "handwriting_annotations_train.lmdb"
    assert manifest["form"] == "hf" and inputs[name]["samples"] == 2
    assert inputs[name]["fingerprint"] == version(root, name)


def test_a_folder_of_somebody_else_stays_and_nothing_published_is_said(root: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("x")
    assert "did not make" in str(run(root, "export-data", tmp_path, "--to", "hf").exception)
    done = CliRunner().invoke(
        cli, ["export-data", str(tmp_path / "new"), "--to", "coco", "--output", str(tmp_path / "no")]
    )
    assert "nothing of these partitions is published" in str(done.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]
