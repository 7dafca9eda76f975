import itertools
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.demo.tiny_model import tiny_processor
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.dlora.data import IGNORED, CropDataset, StepSampler, TrainingSample, collate, loader
from ocr_pipeline.recognition.dlora.recognizer import load_base
from ocr_pipeline.recognition.evaluating import evaluate
from ocr_pipeline.recognition.images import ImageFormat, to_input
from ocr_pipeline.recognition.text import TextCodec
from ocr_pipeline.training.loader_workers import LoaderWorkers


def sampler(size=10, batch=2, accumulation=2, seed=1, first=0, last=6):
    return StepSampler(size, batch=batch, accumulation=accumulation, seed=seed, first=first, last=last)


def dataset(*paths, longest=64):
    processor = tiny_processor()
    codec, images = TextCodec(processor.tokenizer), ImageFormat.of(processor.image_processor)
    return CropDataset([CropReader(path) for path in paths], codec, images, longest)


def test_an_epoch_sees_every_sample_once_and_epochs_differ():
    batches = list(sampler())  # 3 steps of an epoch: 4, 4 and 2 samples
    assert [len(batch) for batch in batches] == [2, 2, 2, 2, 2] * 2
    first, second = (list(itertools.chain(*half)) for half in (batches[:5], batches[5:]))
    assert sorted(first) == list(range(10))
    assert sorted(second) == list(range(10, 20))  # numbers count on: sample 3 of the second epoch is 13
    assert first != [number - 10 for number in second]
    assert len(sampler()) == 10


def test_the_same_seed_gives_the_same_order():
    assert list(sampler()) == list(sampler()) != list(sampler(seed=2))


def test_a_sampler_can_start_anywhere():
    assert list(sampler(first=4)) == list(sampler())[7:]
    assert list(sampler(first=2)) == list(sampler())[4:]


def test_accumulation_does_not_change_what_a_step_sees():
    whole = list(sampler(batch=4, accumulation=1))
    parts = list(sampler(batch=1, accumulation=4))
    assert list(itertools.chain(*whole)) == list(itertools.chain(*parts))
    assert sum(sampler(batch=1, accumulation=4).micro_batches(step) for step in range(6)) == len(parts)


def test_a_dataset_joins_its_readers(jsonl, words):
    joined = dataset(jsonl("a", words[:3]), jsonl("b", words[3:8]))
    assert len(joined) == 8
    assert [joined[index].text for index in range(8)] == [text for text, _ in words[:8]]
    assert [joined.text(index) for index in range(8)] == [text for text, _ in words[:8]]


def test_samples_are_spread_over_the_readers(jsonl, words):
    joined = dataset(jsonl("a", words[:2]), jsonl("b", words[2:12]), jsonl("c", words[12:]))
    chosen = joined.spread(10, seed=3)
    assert chosen == joined.spread(10, seed=3)
    assert len(set(chosen)) == 10
    assert [sum(low <= index < high for index in chosen) for low, high in ((0, 2), (2, 12), (12, 24))] == [2, 4, 4]
    assert joined.spread(1000, seed=3) == list(range(24))


def test_labels_are_padded_with_what_the_loss_ignores():
    pixels = np.zeros((4, 8, 3), np.uint8)
    batch = collate([TrainingSample(pixels, [5, 6, 3], "ab"), TrainingSample(pixels, [3], "")])
    assert batch.labels.tolist() == [[5, 6, 3], [3, IGNORED, IGNORED]]
    assert batch.pixels.shape == (2, 4, 8, 3)
    assert batch.pixels.dtype == torch.uint8


def test_labels_never_exceed_the_decoder(jsonl, words):
    whole, cut = (dataset(path, longest=longest) for path in [jsonl("a", words)] for longest in (64, 5))
    assert max(len(whole[index].tokens) for index in range(24)) > 5
    assert all(cut[index].tokens == whole[index].tokens[:5] for index in range(24))


def test_input_is_that_of_the_image_processor(words):
    processor = tiny_processor().image_processor
    images = ImageFormat.of(processor)
    for _, crop in words[:6]:
        expected = processor(Image.fromarray(crop), return_tensors="pt")["pixel_values"]
        pixels = torch.tensor(images.resize(crop))[None]
        torch.testing.assert_close(to_input(pixels, images, torch.device("cpu")), expected, atol=1e-6, rtol=0)


def test_workers_give_the_same_batches_and_leave_the_random_state_alone(jsonl, words):
    data = dataset(jsonl("a", words))
    state = torch.get_rng_state()
    with LoaderWorkers() as workers:
        alone, helped = (list(loader(data, sampler(size=24), count, workers)) for count in (0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert len(alone) == len(helped) == 12
    assert all(torch.equal(one.pixels, other.pixels) for one, other in zip(alone, helped, strict=True))
    assert [batch.texts for batch in alone] == [batch.texts for batch in helped]


def test_of_a_crop_that_holds_more_only_the_word_is_read(jsonl, words):
    text, crop = words[0]
    margin = np.pad(crop, ((3, 0), (9, 0), (0, 0)), constant_values=0)
    path = jsonl("wider", [(text, margin)])
    line = json.loads(path.read_text(encoding="utf-8"))
    line["image_info"][0]["window"] = [9, 3, margin.shape[1], margin.shape[0]]
    path.write_text(json.dumps(line, ensure_ascii=False), encoding="utf-8")
    data, plain = dataset(path), dataset(jsonl("plain", [(text, crop)]))
    assert np.array_equal(data[0].pixels, plain[0].pixels)

    seen = []
    reader = SimpleNamespace(read_crops=lambda crops: seen.extend(crops) or [(text, 1.0)])
    evaluate(reader, data, [0], batch=1)
    assert np.array_equal(seen[0], crop)


def test_a_damaged_crop_is_named(jsonl, words, tmp_path):
    path = jsonl("a", words[:2])
    (tmp_path / "a_crops/1.png").write_bytes(b"no picture")
    with pytest.raises(PipelineError, match=r"1\.png"):
        dataset(path)[1]


@pytest.mark.parametrize(("setting", "value"), [("do_resize", False), ("do_center_crop", True)])
def test_an_image_processor_of_another_kind_is_refused(setting, value):
    processor = tiny_processor().image_processor
    setattr(processor, setting, value)
    with pytest.raises(PipelineError, match="does not just resize"):
        ImageFormat.of(processor)


def test_the_image_processor_of_an_older_checkpoint(base_folder, tmp_path):
    """Transformers 4 wrote feature extractors, with one number for a square."""
    shutil.copytree(base_folder, tmp_path / "base")
    (tmp_path / "base/processor_config.json").unlink()
    old = {"feature_extractor_type": "ViTFeatureExtractor", "image_processor_type": "ViTFeatureExtractor", "size": 384}
    text = json.dumps({**old, "resample": 2, "image_mean": [0.5] * 3, "image_std": [0.25] * 3})
    (tmp_path / "base/preprocessor_config.json").write_text(text)
    images = load_base(tmp_path / "base").images
    assert (images.height, images.width, images.resample) == (384, 384, 2)
    assert (images.scale[0], images.offset[0]) == pytest.approx((1 / 255 / 0.25, 2))
