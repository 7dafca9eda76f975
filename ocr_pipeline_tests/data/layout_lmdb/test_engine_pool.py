"""One model on several devices: pretended ones, and the CPU taken twice."""

from functools import partial

import numpy as np
import pytest
import torch

from ocr_pipeline.data.layout_lmdb import Engines, LayoutReader, LayoutSettings, open_engine
from ocr_pipeline.data.layout_lmdb.engines.pool import EnginePool, EngineProcess
from ocr_pipeline.data.layout_lmdb.engines.transformers_engine import every_gpu
from ocr_pipeline.errors import PipelineError
from ocr_pipeline_tests.data.layout_lmdb.making import Pretended, Share, page, picture, publish, random_model

PAGES = 40


def build(target, engine):
    share = Share({f"{number}.jpg": picture(seed=number) for number in range(PAGES) if number != 7})
    settings = LayoutSettings(batch_size=3, threshold=0.2)
    return publish(target, map(page, range(PAGES)), share, Engines(engine), settings)


def records(target):
    reader = LayoutReader(target)
    return [reader.read(index)[1] for index in range(len(reader))]


def test_several_processes_give_the_bytes_of_one_engine(tmp_path):
    alone = build(tmp_path / "alone", Pretended(tmp_path, "alone"))
    pool = EnginePool(partial(EngineProcess, Pretended, tmp_path), ["slow", "quick"])
    together = build(tmp_path / "together", pool)
    pool.close()
    assert alone == together and alone.counts.pages_out == PAGES - 1
    assert (tmp_path / "alone/data.mdb").read_bytes() == (tmp_path / "together/data.mdb").read_bytes()
    assert {len(record.regions) for record in records(tmp_path / "together")} == {1, 2}
    workers = {tuple(note.name.split()) for note in tmp_path.glob("* *")}
    assert {device for device, _ in workers} == {"alone", "slow", "quick"} and len(dict(workers)) == 3
    assert len({process for _, process in workers}) == 3


def test_a_device_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(PipelineError, match="this GPU is not there"):
        EnginePool(partial(EngineProcess, Pretended, tmp_path), ["quick", "absent"])


def test_a_killed_process_is_an_error_that_says_so(tmp_path):
    pool = EnginePool(partial(EngineProcess, Pretended, tmp_path), ["quick", "killed"])
    with pytest.raises(PipelineError, match="fewer devices"):
        build(tmp_path / "a", pool)
    pool.close()


@pytest.mark.slow
def test_a_real_model_on_two_devices(tmp_path):
    """But for rounding, which on a CPU depends on where in memory a thread's numbers lie."""
    weights = random_model(tmp_path / "model")
    engines = [open_engine(LayoutSettings(model=str(weights), device=device)) for device in ("cpu", "cpu,cpu")]
    assert isinstance(engines[1], EnginePool) and engines[1].at_once == 2
    targets = [tmp_path / str(place) for place in range(2)]
    alone, together = [build(*each) for each in zip(targets, engines, strict=True)]
    for engine in engines:
        engine.close()
    assert alone.counts == together.counts and alone.counts.notes["words_without_region"] < PAGES
    for one, other in zip(*map(records, targets), strict=True):
        assert all(has_its_like(region, other.regions) for region in one.regions)
        assert all(has_its_like(region, one.regions) for region in other.regions)


def has_its_like(wanted, regions) -> bool:
    """Whether a region is among these: rounding also changes the order of two that are as likely."""
    return any(
        region.label == wanted.label
        and np.allclose(region.box, wanted.box, atol=0.5)
        and abs(region.score - wanted.score) < 1e-3
        for region in regions
    )


def test_gpu_means_every_gpu_that_is_visible(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert every_gpu() == ["gpu:0", "gpu:1", "gpu:2"]
