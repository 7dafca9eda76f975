"""Paddle against torch on the same weights."""

import numpy as np
import pytest

from ocr_pipeline.data.layout_lmdb import Engines, LayoutReader, LayoutSettings, open_engine
from ocr_pipeline_tests.data.layout_lmdb.making import Share, page, picture, publish, random_model

pytestmark = pytest.mark.paddle


@pytest.fixture(scope="module", params=["v2", "v3"])
def engines(request, tmp_path_factory):
    weights = random_model(tmp_path_factory.mktemp("model"), kind=request.param)
    settings = {name: LayoutSettings(model=str(weights), device="cpu", backend=name) for name in BACKENDS}
    engines = {name: open_engine(settings[name]) for name in BACKENDS}
    yield engines
    engines["paddle"].close()


BACKENDS = ("transformers", "paddle")


def test_both_find_the_same_in_the_same_tensor(engines):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 800, 800, 3), dtype=np.uint8)
    answers = [engines[name].infer(pixels, [(1, 1)] * 3) for name in BACKENDS]
    assert sum(map(len, answers[0])) > 6
    for ours, theirs in zip(*answers, strict=True):
        assert ours.labels.tolist() == theirs.labels.tolist()
        np.testing.assert_allclose(ours.boxes, theirs.boxes, rtol=0, atol=1e-5)
        np.testing.assert_allclose(ours.scores, theirs.scores, rtol=0, atol=1e-5)


def test_the_whole_stage_on_both(tmp_path, engines):
    share = Share({f"{number}.jpg": picture(seed=number) for number in range(5)})
    for name in BACKENDS:
        publish(tmp_path / name, map(page, range(5)), share, Engines(engines[name]), LayoutSettings(threshold=0.2))
    ours, theirs = ([LayoutReader(tmp_path / name).read(index)[1] for index in range(5)] for name in BACKENDS)
    for our, their in zip(ours, theirs, strict=True):
        assert our.words == their.words and len(our.regions) == len(their.regions) > 0
        for a, b in zip(our.regions, their.regions, strict=True):
            assert (a.label, a.words, a.text) == (b.label, b.words, b.text)
            np.testing.assert_allclose(a.box, b.box, atol=0.0101)  # boxes are stored in hundredths of a pixel
            np.testing.assert_allclose(a.score, b.score, atol=0.000101)
