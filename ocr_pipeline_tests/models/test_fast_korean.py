from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ocr_pipeline.data.synthetic import draw_page
from ocr_pipeline.data.synthetic.faces import package_faces
from ocr_pipeline.evaluation import Truth, score_detections
from ocr_pipeline.fast import Detector, load_network, read_config
from ocr_pipeline.fast.settings import FastPrediction
from ocr_pipeline.models import FAST_KOREAN


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(FAST_KOREAN, device="cpu")


@pytest.mark.slow
def test_it_finds_most_words_of_pages_it_never_saw(detector):
    pages = [draw_page(1001, index, package_faces(), side=384) for index in range(24)]
    chosen = [page for page in pages if page.words and min(_height(word.quad) for word in page.words) > 9]
    found = [[box.polygon for box in detector.detect(page.pixels)] for page in chosen]
    truths = [
        [Truth(word.quad) for word in page.words] + [Truth(word.quad, True) for word in page.unclear] for page in chosen
    ]
    assert sum(map(len, truths)) > 30
    assert score_detections(found, truths).hmean > 0.5


def test_it_leaves_blank_paper_alone(detector):
    assert detector.detect(np.full((300, 400, 3), 245, np.uint8)) == []


def test_it_is_small_carries_its_configuration_and_has_a_card(detector):
    assert FAST_KOREAN.stat().st_size < 20_000_000
    assert detector.config.variant == "tiny"
    card = (FAST_KOREAN.parent / "README.md").read_text(encoding="utf-8")
    assert "OFL-1.1" in card
    assert "AI-Hub" in card


def test_detect_begins_with_it_and_its_branches_can_be_trained_on():
    assert FastPrediction(image=(Path("page.png"),), output=Path("boxes.png")).checkpoint == FAST_KOREAN
    network, _ = load_network(FAST_KOREAN)
    assert network.sides_rest
    assert read_config(Path("tiny_korean.yaml")).start_from == "shipped"


def _height(quad: np.ndarray) -> float:
    return float(min(np.ptp(quad[:, 0]), np.ptp(quad[:, 1])))
