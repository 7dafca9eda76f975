from __future__ import annotations

import subprocess
import sys

import pytest

import ocr_pipeline.fast as fast


def test_settings_load_neither_torch_nor_dagster():
    code = (
        "import sys; from ocr_pipeline.fast import FastTraining, FastPrediction, read_config; "
        "print(sorted({'torch', 'dagster', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there():
    assert all(getattr(fast, name) is not None for name in fast.__all__)
    with pytest.raises(AttributeError, match="attribute nonsense"):
        fast.nonsense  # noqa: B018
