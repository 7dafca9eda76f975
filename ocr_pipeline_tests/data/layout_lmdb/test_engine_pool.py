"""One model on several devices: pretended ones, and the CPU taken twice."""

from functools import partial

import pytest
import torch

from ocr_pipeline.data.layout_lmdb import Engines, LayoutBuild, LayoutReader, LayoutSettings, open_engine
from ocr_pipeline.data.layout_lmdb.engines.pool import EnginePool, EngineProcess
from ocr_pipeline.data.layout_lmdb.engines.transformers_engine import every_gpu
from ocr_pipeline.errors import PipelineError
from ocr_pipeline_tests.data.layout_lmdb.making import Pretended, Share, page, picture, random_model

PAGES = 40


def build(target, engine):
    share = Share({f"{number}.jpg": picture(seed=number) for number in range(PAGES) if number != 7})
    settings = LayoutSettings(batch_size=3, threshold=0.2)
    maker = LayoutBuild(share.find, share.read, Engines(engine), settings)
    return maker.publish(target, "handwriting_train", [], map(page, range(PAGES)))


def test_several_processes_give_the_bytes_of_one_engine(tmp_path):
    alone = build(tmp_path / "alone", Pretended(tmp_path, "alone"))
    pool = EnginePool(partial(EngineProcess, Pretended, tmp_path), ["slow", "quick"])
    together = build(tmp_path / "together", pool)
    pool.close()
    assert alone == together and alone.counts.pages_out == PAGES - 1
    assert (tmp_path / "alone/data.mdb").read_bytes() == (tmp_path / "together/data.mdb").read_bytes()
    reader = LayoutReader(tmp_path / "together")
    assert {len(reader.read(index)[1].regions) for index in range(PAGES - 1)} == {1, 2}
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
    weights = random_model(tmp_path / "model")
    engines = [open_engine(LayoutSettings(model=str(weights), device=device)) for device in ("cpu", "cpu,cpu")]
    assert isinstance(engines[1], EnginePool) and engines[1].at_once == 2
    manifests = [build(tmp_path / engine.backend / str(place), engine) for place, engine in enumerate(engines)]
    for engine in engines:
        engine.close()
    assert manifests[0] == manifests[1] and manifests[0].counts.notes["words_without_region"] < PAGES


def test_gpu_means_every_gpu_that_is_visible(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert every_gpu() == ["gpu:0", "gpu:1", "gpu:2"]
