from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ocr_pipeline_tests.reading.conftest import LINES, sheet

EXAMPLE = Path(__file__).parents[2] / "examples" / "read_a_page.py"


@pytest.mark.slow
def test_a_page_is_read_in_five_lines(tmp_path):
    sheet().save(tmp_path / "page.png")
    done = subprocess.run(
        [sys.executable, EXAMPLE, tmp_path / "page.png"], capture_output=True, text=True, timeout=120, check=True
    )
    lines = [line for line in done.stdout.splitlines() if line]
    assert [len(line.split()) for line in lines] == [len(line.split()) for line in LINES]
