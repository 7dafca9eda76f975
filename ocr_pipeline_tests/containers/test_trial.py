"""The images and the whole stack in containers; `make test-docker` hands on TRIAL_OPTIONS."""

from __future__ import annotations

import os
import shlex

import pytest

from ocr_pipeline_tests.containers import trial


@pytest.mark.docker
def test_the_stack_in_containers() -> None:
    assert trial.main(shlex.split(os.environ.get("TRIAL_OPTIONS", ""))) == 0
