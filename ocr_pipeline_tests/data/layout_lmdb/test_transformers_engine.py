import logging

import huggingface_hub
import numpy as np
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import load_file, save_file

from ocr_pipeline.data.layout_lmdb import Engines, LayoutReader, LayoutSettings, open_engine
from ocr_pipeline.data.layout_lmdb.engines.detections import model_input
from ocr_pipeline.data.layout_lmdb.engines.transformers_engine import TransformersEngine, torch_device
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.pictures import decode_picture
from ocr_pipeline_tests.data.layout_lmdb.making import LABELS, Oracle, Share, page, picture, publish, random_model


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """A network this small gains nothing from threads and loses much where the cores are taken."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return random_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def engine(weights):
    return open_engine(LayoutSettings(model=str(weights), device="cpu"))


def test_a_whole_stage_with_a_random_model(tmp_path, engine):
    share = Share({f"{number}.jpg": picture(seed=number) for number in range(5)})
    settings = LayoutSettings(batch_size=2, threshold=0.2)
    runs = []
    for name in "ab":
        runs.append(publish(tmp_path / name, map(page, range(5)), share, Engines(engine), settings))
    assert runs[0] == runs[1]
    assert (tmp_path / "a/data.mdb").read_bytes() == (tmp_path / "b/data.mdb").read_bytes()
    reader = LayoutReader(tmp_path / "a")
    assert reader.meta["engine"] == "transformers" and reader.meta["weights"] == engine.fingerprint
    regions = [region for index in range(5) for region in reader.read(index)[1].regions]
    assert len(regions) > 5 and {region.label for region in regions} <= set(LABELS)
    assert all(region.score > 0.1 for region in regions)
    assert all(0 <= r.box[0] < r.box[2] <= 120 and 0 <= r.box[1] < r.box[3] <= 80 for r in regions)


def test_detections_are_the_models_own(engine, weights):
    """Scores and boxes against transformers' outputs, computed here in torch."""
    from transformers import PPDocLayoutV2ForObjectDetection

    pixels = np.stack([model_input(decode_picture(picture(seed=7)), engine.input_size)])
    found = engine.infer(pixels, [(1000, 500)])[0]
    model = PPDocLayoutV2ForObjectDetection.from_pretrained(weights).eval()
    with torch.inference_mode():
        outputs = model(torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255)
    scores, labels = outputs.logits[0].sigmoid().max(dim=1)
    centre, size = outputs.pred_boxes[0].split(2, dim=1)
    corners = torch.cat([centre - size / 2, centre + size / 2], dim=1).clamp(0, 1) * torch.tensor([1000, 500] * 2)
    assert len(found) > 3 and found.scores.std() > 0.001
    for box, score, label in zip(found.boxes, found.scores, found.labels, strict=True):
        query = int((corners - torch.from_numpy(box)).abs().sum(dim=1).argmin())
        np.testing.assert_allclose(box, corners[query].numpy(), atol=1e-2)
        assert (float(scores[query]), int(labels[query])) == (pytest.approx(float(score), abs=1e-5), label)


def test_a_batch_finds_what_single_pages_find(engine):
    pixels = np.stack([model_input(decode_picture(picture(seed=seed)), engine.input_size) for seed in range(3)])
    together = engine.infer(pixels, [(120, 80)] * 3)
    alone = [engine.infer(one[None], [(120, 80)])[0] for one in pixels]
    for batched, single in zip(together, alone, strict=True):
        assert len(batched) == len(single)
        np.testing.assert_allclose(np.sort(batched.scores), np.sort(single.scores), atol=1e-5)


def test_missing_weights_say_where_and_how(tmp_path, monkeypatch):
    with pytest.raises(PipelineError, match=r"folder .*nowhere.*hf download") as caught:
        TransformersEngine(str(tmp_path / "nowhere"), "cpu")
    assert "FAST_LAYOUT_MODEL" in caught.value.remedy

    asked = []

    def offline(repository, **_):
        asked.append(repository)
        raise LocalEntryNotFoundError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(PipelineError, match=r"PaddlePaddle/PP-DocLayoutV2_safetensors"):
        TransformersEngine("PP-DocLayoutV2", "cpu")
    assert asked == ["PaddlePaddle/PP-DocLayoutV2_safetensors"]


@pytest.mark.parametrize("fault", ["missing", "unexpected", "mismatched", "other model"])
def test_weights_that_do_not_fit_are_refused(tmp_path, weights, fault, caplog):
    caplog.set_level(logging.CRITICAL)
    tensors = load_file(weights / "model.safetensors")
    name = "model.enc_score_head.weight"
    config = (weights / "config.json").read_text()
    if fault == "missing":
        del tensors[name]
    elif fault == "unexpected":
        tensors["model.stranger"] = torch.zeros(1)
    elif fault == "mismatched":
        tensors[name] = torch.zeros(2, 2)
    else:
        config = config.replace('"model_type": "pp_doclayout_v2"', '"model_type": "yolos"')
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(PipelineError, match="yolos" if fault == "other model" else f"(?s){fault}.*"):
        TransformersEngine(str(tmp_path), "cpu")


def test_a_missing_gpu_is_an_error_unless_the_cpu_may_stand_in(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert torch_device("cpu") == torch.device("cpu")
    assert torch_device("gpu") == torch_device("gpu:0") == torch.device("cuda", 0)
    with pytest.raises(PipelineError, match="FAST_LAYOUT_DEVICE=cpu"):
        torch_device("gpu:1")
    assert torch_device("gpu:1", cpu_fallback=True) == torch.device("cpu")


@pytest.mark.parametrize(("kind", "labels", "size"), [("v3", LABELS, (800, 800)), ("cells", ("cell",), (640, 640))])
def test_other_models_of_the_family(tmp_path, kind, labels, size):
    engine = TransformersEngine(str(random_model(tmp_path, kind=kind)), "cpu")
    assert engine.labels == labels and engine.input_size == size
    pixels = np.stack([model_input(decode_picture(picture(seed=seed)), size) for seed in range(2)])
    for found in engine.infer(pixels, [(120, 80)] * 2):
        assert len(found) > 0 and (found.scores > 0.1).all()
        assert (found.boxes[:, :2] < found.boxes[:, 2:]).all() and found.boxes.max() <= 120
        if kind == "cells":  # it has no reading order of its own
            assert found.boxes[:, 1].tolist() == sorted(found.boxes[:, 1].tolist())


def test_a_whole_stage_with_random_cells(tmp_path):
    table = Oracle(("table", 0.9, (10, 10, 90, 70)))
    cells = TransformersEngine(str(random_model(tmp_path / "model", kind="cells")), "cpu")
    share = Share({"0.jpg": picture()})
    publish(tmp_path / "a", [page(0)], share, Engines(table, cells), LayoutSettings())
    found = LayoutReader(tmp_path / "a").read(0)[1].cells
    assert found and all(10 <= x0 < x1 <= 90 and 10 <= y0 < y1 <= 70 for x0, y0, x1, y1 in (c.box for c in found))
