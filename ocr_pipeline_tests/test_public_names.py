"""What a program of one's own imports from the package itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ocr_pipeline

SCRIPT = """
from pathlib import Path

from ocr_pipeline import CropReader, Detector, PipelineError, Reader, Workspace, load_recognizer


def texts(page: Path) -> list[str]:
    boxes = Detector().detect(page)
    try:
        readings = load_recognizer("korean_words").read_crops([page, page.read_bytes()])
    except PipelineError as error:
        return [error.remedy]
    return [f"{reading.text} {box.score:.2f} {box.polygon[0]}" for reading, box in zip(readings, boxes)]


def text(page: Path) -> list[tuple[str, float]]:
    read = Reader().read(page)
    return [(word.text, word.confidence) for word in read.words] + [(read.text, 1.0)]


def labels(workspace: Workspace) -> list[str]:
    crops = CropReader(workspace.annotations("handwriting", "valid", "lmdb"))
    return [crops.text(index) for index in range(len(crops))]
"""


def test_every_public_name_is_there_and_says_what_it_is() -> None:
    names = [name for name in dir(ocr_pipeline) if not name.startswith("__")]
    assert len(names) >= 10
    assert all(getattr(ocr_pipeline, name).__doc__ for name in names)
    with pytest.raises(AttributeError, match="nonsense"):
        ocr_pipeline.nonsense  # noqa: B018


def test_the_package_itself_costs_nothing() -> None:
    code = "import sys, ocr_pipeline; print(sorted({'torch', 'dagster', 'numpy', 'lazy_loader'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.slow
def test_a_users_script_holds_under_strict_mypy(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--follow-imports",
        "silent",
        "--cache-dir",
        str(tmp_path / "cache"),
        "script.py",
    ]
    found = {**os.environ, "MYPYPATH": str(Path(ocr_pipeline.__file__).parents[1])}  # as an installed package is
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=found, check=False)
    assert done.returncode == 0, done.stdout
