"""A pre-training of a very small network: its parts, its end, and that a stop leaves no trace."""

import json
import os
import signal

import msgspec
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from transformers import TrOCRProcessor, VisionEncoderDecoderModel

from ocr_pipeline.cli import cli
from ocr_pipeline.data.synthetic.texts import SYLLABLES
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition import load_recognizer
from ocr_pipeline.recognition.pretraining.drawn import WINDOW, Windows, batches, drawing_of
from ocr_pipeline.recognition.pretraining.network import SLOTS, Columns, ctc_loss, new_network, new_processor
from ocr_pipeline.recognition.pretraining.recipe import STANDARD, Architecture, Pretraining, read_recipe
from ocr_pipeline.recognition.pretraining.training import CURVE, STATE, Learner, pretrain
from ocr_pipeline.recognition.text import TextCodec
from ocr_pipeline.storage.files.locking import sole_worker
from ocr_pipeline.training.stopping import TrainingStoppedError

SMALL = Architecture(
    stem=8, stages=(16, 16, 16), depths=(1, 1, 1), hidden=32, heads=2, encoder_layers=1, decoder_layers=1
)
RECIPE = Pretraining(SMALL, steps=12, batch=3, warm_up=2, easy=6, judge_words=2)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def windows(learner):
    return Windows(learner.recipe, TextCodec(learner.processor.tokenizer), learner.images)


def weights(folder):
    return VisionEncoderDecoderModel.from_pretrained(folder, dtype=torch.float32).state_dict()


def test_the_shipped_recipe_is_one():
    recipe = read_recipe(STANDARD, {"minutes": "3"})
    assert recipe.minutes == 3.0 and recipe.architecture == Architecture()
    for name in ("further.yaml", "syllables.yaml"):
        further = read_recipe(STANDARD.with_name(name), {})
        assert further.start_from and further.architecture == recipe.architecture


def test_a_recipe_may_ask_for_single_syllables():
    drawing = drawing_of(Pretraining(syllables=1.0))
    texts = {drawing.crop(number).text for number in range(20)}
    assert len(texts) > 15 and all(len(text) == 1 and text in SYLLABLES for text in texts)


@pytest.mark.parametrize(
    "absurd",
    [
        {"architecture": {"encoder_layers": 10**7}},
        {"architecture": {"hidden": 10**9}},
        {"architecture": {"stages": [64, -1, 256]}},
        {"batch": 10**9},
        {"minutes": ".nan"},
        {"seed": -1},
    ],
    ids=str,
)
def test_an_absurd_recipe_is_refused(absurd):
    with pytest.raises(PipelineError, match="the recipe cannot be read"):
        read_recipe(STANDARD, absurd)


def test_a_recipe_with_an_unknown_field_is_refused(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("minuten: 3\n", encoding="utf-8")
    with pytest.raises(PipelineError, match="minuten"):
        read_recipe(path, {})


def test_batches_go_on_wherever_one_begins():
    supply = windows(Learner(RECIPE))
    whole = [labels.tolist() for (_, labels), _ in zip(batches(supply, 0, 0), range(WINDOW + 4), strict=False)]
    later = [labels.tolist() for (_, labels), _ in zip(batches(supply, WINDOW + 1, 0), range(3), strict=False)]
    assert later == whole[WINDOW + 1 :]


def test_the_columns_tell_letters_in_their_order():
    columns = Columns(SMALL, 10)
    seen = torch.randn(2, 1 + 4 * 16, 32)
    assert columns(seen).shape == (2, 16 * SLOTS, 10)
    moved = seen.clone()
    moved[:, 1:].unflatten(1, (4, 16))[:, :, 5] += 1.0  # a change in column 5 shows in its own letters alone
    changed = (columns(seen) != columns(moved)).any(-1)[0]
    assert changed.nonzero().flatten().tolist() == [15, 16, 17]


def test_columns_that_say_the_label_cost_nothing():
    labels = torch.tensor([[7, 8, 3, -100]])
    said = torch.full((1, 6, 10), -20.0)
    for place, letter in enumerate((0, 7, 0, 8, 0, 0)):
        said[0, place, letter] = 20.0
    assert ctc_loss(said, labels) < 1e-3 < ctc_loss(said.roll(1, 2), labels)


def test_it_ends_in_a_model_that_transformers_loads_and_this_program_reads_with(tmp_path):
    folder = pretrain(RECIPE, tmp_path, workers=0)
    model, processor = VisionEncoderDecoderModel.from_pretrained(folder), TrOCRProcessor.from_pretrained(folder)
    assert model.config.encoder.model_type == "dpt" and len(processor.tokenizer) == model.config.decoder.vocab_size
    assert len(load_recognizer(folder).read_crops([np.full((40, 90, 3), 255, np.uint8)])) == 1
    assert json.loads((tmp_path / CURVE).read_text().splitlines()[-1])["crops"] == 36


def test_one_that_was_stopped_ends_in_the_same_weights(tmp_path, monkeypatch):
    pretrain(RECIPE, tmp_path / "whole", workers=0)
    learn = Learner.learn

    def learn_and_be_stopped(learner, batch):
        losses = learn(learner, batch)
        if learner.step == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return losses

    monkeypatch.setattr(Learner, "learn", learn_and_be_stopped)
    with pytest.raises(TrainingStoppedError, match="at step 5"):
        pretrain(RECIPE, tmp_path / "parted", workers=0)
    assert torch.load(tmp_path / "parted" / STATE, weights_only=True)["step"] == 5
    monkeypatch.setattr(Learner, "learn", learn)
    pretrain(RECIPE, tmp_path / "parted", workers=0)
    whole, parted = weights(tmp_path / "whole/model"), weights(tmp_path / "parted/model")
    assert all(torch.equal(whole[name], parted[name]) for name in whole)


def test_a_folder_is_one_process_alone(tmp_path):
    with sole_worker(tmp_path), pytest.raises(PipelineError, match=f"another process .{os.getpid()}. works in this"):
        pretrain(RECIPE, tmp_path, workers=0)
    assert not (tmp_path / STATE).exists()


@pytest.mark.slow
def test_it_goes_on_longer_and_with_the_same_recipe_only(tmp_path):
    pretrain(msgspec.structs.replace(RECIPE, steps=1), tmp_path, workers=0)
    with pytest.raises(PipelineError, match=r"batch 3 \(now 4\)"):
        pretrain(msgspec.structs.replace(RECIPE, batch=4), tmp_path, workers=0)
    pretrain(msgspec.structs.replace(RECIPE, steps=2), tmp_path, workers=0)
    assert torch.load(tmp_path / STATE, weights_only=True)["step"] == 2


def test_the_model_appears_whole_and_replaces_nothing_of_others(tmp_path, monkeypatch):
    (tmp_path / "a/model").mkdir(parents=True)
    (tmp_path / "a/model/thesis.txt").write_text("mine")
    with pytest.raises(PipelineError, match="did not make"):
        pretrain(RECIPE, tmp_path / "a", workers=0)
    write = Learner.write_model

    def write_half(learner, folder):
        write(learner, folder)
        raise KeyboardInterrupt

    monkeypatch.setattr(Learner, "write_model", write_half)
    with pytest.raises(KeyboardInterrupt):
        pretrain(msgspec.structs.replace(RECIPE, steps=1), tmp_path / "b", workers=0)
    assert {path.name for path in (tmp_path / "b").iterdir()} == {".lock", STATE}


def test_it_learns():
    learner = Learner(Pretraining(SMALL, steps=60, batch=8, warm_up=5, learning_rate=3e-3))
    batch = windows(learner)[0][0]
    first = sum(learner.learn(batch))
    for _ in range(40):
        last = sum(learner.learn(batch))
    assert last < first / 3


def test_time_ends_it_and_brings_the_rate_down():
    learner = Learner(Pretraining(SMALL, minutes=1, warm_up=1))
    learner.seconds = 30.0
    assert not learner.over and 0.4 < learner._rate() / learner.recipe.learning_rate < 0.6
    learner.seconds = 61.0
    assert learner.over and learner._rate() < 0.02 * learner.recipe.learning_rate


def test_a_network_has_what_its_processor_makes():
    processor = new_processor(SMALL)
    model = new_network(SMALL, len(processor.tokenizer))
    assert processor.image_processor.size == {"height": 32, "width": 128}
    assert model.config.encoder.image_size == [32, 128]


def test_the_command_trains_by_a_recipe_and_its_changes(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_bytes(msgspec.yaml.encode(RECIPE))
    place = ["pretrain-recognizer", str(tmp_path / "out"), "--recipe", str(recipe), "--workers", "0"]
    result = CliRunner().invoke(cli, [*place, "--set", "steps=2"])
    assert result.exit_code == 0 and (tmp_path / "out/model/model.safetensors").is_file(), result.output
    assert json.loads((tmp_path / "out" / CURVE).read_text())["crops"] == 2 * RECIPE.batch
    assert CliRunner().invoke(cli, [*place, "--set", "steps"]).exit_code == 2


def test_it_begins_with_the_weights_of_an_earlier_one(tmp_path):
    earlier = pretrain(msgspec.structs.replace(RECIPE, steps=1), tmp_path / "earlier", workers=0)
    begun = Learner(msgspec.structs.replace(RECIPE, start_from=str(earlier)))
    assert all(torch.equal(begun.model.state_dict()[name], value) for name, value in weights(earlier).items())
    with pytest.raises(PipelineError, match="another architecture"):
        Learner(Pretraining(start_from=str(earlier)))


@pytest.mark.slow
def test_one_of_before_a_field_was_there_goes_on(tmp_path):
    pretrain(msgspec.structs.replace(RECIPE, steps=1), tmp_path, workers=0)
    state = torch.load(tmp_path / STATE, weights_only=True)
    del state["key"]["start_from"], state["key"]["architecture"]["widest"]
    torch.save(state, tmp_path / STATE)
    pretrain(msgspec.structs.replace(RECIPE, steps=2), tmp_path, workers=0)
    assert torch.load(tmp_path / STATE, weights_only=True)["step"] == 2


@pytest.mark.slow
def test_what_it_knew_before_may_be_mixed_in(tmp_path):
    earlier = pretrain(msgspec.structs.replace(RECIPE, steps=1), tmp_path / "earlier", workers=0)
    onward = msgspec.structs.replace(RECIPE, start_from=str(earlier), steps=2)
    alone = weights(pretrain(onward, tmp_path / "alone", workers=0))
    half = weights(pretrain(msgspec.structs.replace(onward, mixed=0.5), tmp_path / "half", workers=0))
    begun = weights(earlier)
    assert all(torch.allclose(half[name], (alone[name] + begun[name]) / 2, atol=1e-3) for name in half)
    assert not all(torch.equal(half[name], alone[name]) for name in half)
