"""The examples do what their first lines say, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from ocr_pipeline.cli import cli
from ocr_pipeline.data.synthetic.crops import plain_crop
from ocr_pipeline.data.synthetic.faces import package_faces
from ocr_pipeline.release.sections import DloraSection, FastSection
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.reading.conftest import sheet
from ocr_pipeline_tests.trees import HAND_LABELS, HAND_PICTURES, corner_label, picture, write_tree

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: object, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *map(str, arguments)],
        env=os.environ | variables | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_stands_in_the_table() -> None:
    table = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES.iterdir() if path.is_file() and f"({path.name})" not in table] == [
        "README.md"
    ]


def test_the_recipe_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_PIPELINE_RECIPE", str(EXAMPLES / "recipe.yaml"))
    workspace = Workspace.at(tmp_path)
    assert FastSection.of(workspace).options["max_steps"] == 2000
    assert DloraSection.of(workspace).model_name_or_path == "korean_words"


@pytest.mark.slow
def test_both_lmdbs_are_shown(tmp_path: Path) -> None:
    label, page = f"{HAND_LABELS}/O.Form/a.json", f"{HAND_PICTURES}/O.Form/a.png"
    write_tree(tmp_path / "share", {label: corner_label("합계", "영수"), page: picture()})
    places = {"OCR_PIPELINE_SOURCE": str(tmp_path / "share"), "OCR_PIPELINE_OUTPUT": str(tmp_path / "output")}
    for command in (["merge"], ["lookup"], ["annotations", "--output_format", "lmdb"], ["layout"]):
        assert CliRunner().invoke(cli, [*command, "--partition", "handwriting_train"], env=places).exit_code == 0
    lmdbs = [tmp_path / "output" / f"handwriting_{name}.lmdb" for name in ("annotations_train", "train_layout")]
    told = run("read_lmdbs.py", *lmdbs)
    assert "2 crops" in told and "합계" in told and "a.png  60x40, 2 of 2 words to learn from" in told


@pytest.mark.slow
def test_a_folder_of_crops_is_learned_from(tmp_path: Path) -> None:
    texts = ["서울", "부산", "대구", "인천", "광주", "대전", "울산", "세종", "경기", "강원", "제주", "충북"]
    crops = {f"{place}.png": text for place, text in enumerate(texts)}
    for name, text in crops.items():
        cv2.imwrite(str(tmp_path / name), plain_crop(text, package_faces()[0], np.random.default_rng(0)))
    (tmp_path / "labels.tsv").write_text("".join(f"{name}\t{text}\n" for name, text in crops.items()), encoding="utf-8")
    told = run("train_on_crops.py", tmp_path, tmp_path / "trained", 2)
    assert "2 crops held out" in told and "ocr-pipeline recognize" in told


@pytest.mark.slow
def test_onnx_runtime_reads_the_same_page(tmp_path: Path) -> None:
    sheet().save(tmp_path / "page.png")
    told = run("export_and_run_onnx.py", tmp_path / "page.png", tmp_path / "onnx").splitlines()
    ours = run("read_a_page.py", tmp_path / "page.png").split()
    read = {line.split()[0] for line in told}
    assert len(read & set(ours)) >= 0.7 * len(ours)


@pytest.mark.slow
def test_another_dagster_project_holds_our_assets(tmp_path: Path) -> None:
    code = "import runpy, sys; defs = runpy.run_path(sys.argv[1])['defs']; "
    code += "print(*sorted(key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code, EXAMPLES / "other_dagster_project.py"],
        env=os.environ | {"OCR_PIPELINE_SOURCE": str(tmp_path), "OCR_PIPELINE_OUTPUT": str(tmp_path / "output")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert {"character_counts", "annotations", "fast_champion"} <= set(done.stdout.split())


@pytest.mark.slow
def test_the_notebook_runs_to_its_end() -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(EXAMPLES / "read_a_page.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=400, kernel_name="python3").execute()
    told = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert "hmean" in told
