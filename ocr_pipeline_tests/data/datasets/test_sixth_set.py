"""What the README promises: a sixth set is one module and its name in one list, and everything runs with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ocr_pipeline
from ocr_pipeline_tests.trees import corner_label, picture, write_tree

MODULE = """
from ocr_pipeline.data.datasets.dataset import Dataset
from ocr_pipeline.data.datasets.label_forms import read_corner_label

DATASET = Dataset(
    name="receipts",
    title="영수증 OCR",
    folder="영수증ocr",
    splits=("train", "valid"),
    read=read_corner_label("receipts"),
)
"""
LAST = '    "handwriting",\n'


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """A copy of the package with one module and one line more."""
    root = tmp_path_factory.mktemp("sixth")
    source = Path(ocr_pipeline.__file__).parent
    shutil.copytree(source, root / "ocr_pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    datasets = root / "ocr_pipeline" / "data" / "datasets"
    (datasets / "receipts.py").write_text(MODULE, encoding="utf-8")
    table = (datasets / "__init__.py").read_text(encoding="utf-8")
    assert table.count(LAST) == 1
    (datasets / "__init__.py").write_text(table.replace(LAST, f'{LAST}    "receipts",\n'), encoding="utf-8")
    return root


def run(package: Path, *command: str) -> str:
    variables = os.environ | {"PYTHONPATH": str(package)}
    done = subprocess.run([sys.executable, *command], env=variables, cwd=package, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_its_words_become_crops(package, tmp_path):
    files = {
        "영수증 OCR/1.Training/라벨링데이터/TL/0001.json": corner_label("합계", "영수"),
        "영수증 OCR/1.Training/원천데이터/TS/0001.png": picture(),
    }
    write_tree(tmp_path / "share", files)
    code = f"""
from ocr_pipeline.cli import cli
for stage in ("merge", "lookup", "annotations"):
    cli([stage, "--source", {str(tmp_path / "share")!r}, "--output", {str(tmp_path)!r}], standalone_mode=False)
"""
    run(package, "-c", code)
    manifest = json.loads((tmp_path / "receipts_annotations_train.jsonl.manifest.json").read_text())
    assert (manifest["counts"]["pages_out"], manifest["counts"]["words_out"]) == (1, 2)


@pytest.mark.slow
def test_the_demo_is_prepared_and_dagster_knows_its_partitions(package, tmp_path):
    code = f"""
from pathlib import Path
from ocr_pipeline.demo import graph
from ocr_pipeline.models import TINY_KOREAN
graph.PAGES = 4
graph.prepare(graph.Demo(Path({str(tmp_path)!r})), TINY_KOREAN)
from ocr_pipeline.definitions import defs
asset = next(asset for asset in defs.assets if "merged_json" in str(asset.key))
print(*asset.partitions_def.get_partition_keys())
"""
    assert run(package, "-c", code).split()[-4:-2] == ["receipts_train", "receipts_valid"]
    assert (tmp_path / "truth.json").exists()
