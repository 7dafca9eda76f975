"""The pre-training itself: AdamW against two losses, weights averaged, stopped and resumed at any step.

What it learned lies in a state file; the batches of a step depend on its number alone, and nothing is drawn from a
global generator: a run that was stopped goes on as if it had not been.
"""

from __future__ import annotations

import copy
import json
import logging
import math
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from ocr_pipeline.data.synthetic.faces import Kind, judging_faces, korean_faces
from ocr_pipeline.models import place_of
from ocr_pipeline.recognition.dlora.base import Base
from ocr_pipeline.recognition.dlora.loss import decoder_inputs, token_loss
from ocr_pipeline.recognition.dlora.recognizer import Recognizer
from ocr_pipeline.recognition.images import ImageFormat, to_input
from ocr_pipeline.recognition.pretrained import whole
from ocr_pipeline.recognition.pretraining.drawn import Batch, Windows, batches
from ocr_pipeline.recognition.pretraining.judging import Words, character_errors, clean_words
from ocr_pipeline.recognition.pretraining.network import Columns, ctc_loss, new_network, new_processor
from ocr_pipeline.recognition.pretraining.recipe import Pretraining
from ocr_pipeline.recognition.pretraining.start import take_over
from ocr_pipeline.recognition.pretraining.tokenizer import PAD, START
from ocr_pipeline.recognition.text import TextCodec
from ocr_pipeline.settings import as_before
from ocr_pipeline.storage.files.locking import sole_worker
from ocr_pipeline.storage.files.publishing import publish_file, publish_folder
from ocr_pipeline.storage.files.typed_paths import claim
from ocr_pipeline.training.resuming import Key, demand_same
from ocr_pipeline.training.stopping import StopSigns, TrainingStoppedError

logger = logging.getLogger(__name__)

STATE, CURVE, MODEL = "state.pt", "curve.jsonl", "model"
SAVE_EVERY, LOG_EVERY = 300.0, 50  # seconds; steps
LOWEST_RATE = 0.01  # share of the highest
_MAY_CHANGE = ("minutes", "steps", "mixed", "judge_minutes", "judge_words")


class Learner:
    """Everything that changes while it learns, and the step that changes it."""

    def __init__(self, recipe: Pretraining) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.processor = recipe, new_processor(recipe.architecture)
        self.images = ImageFormat.of(self.processor.image_processor)
        vocabulary = len(self.processor.tokenizer)
        self.model: Any = new_network(recipe.architecture, vocabulary)
        self.model.set_attn_implementation("eager")  # for so few places faster than the flash of the CPU
        if recipe.start_from:
            take_over(self.model, self.processor.tokenizer.get_vocab(), place_of(recipe.start_from))
        self._begun = copy.deepcopy(self.model.state_dict()) if recipe.mixed else {}
        self.columns = Columns(recipe.architecture, vocabulary)
        self.averaged = copy.deepcopy(self.model).eval()
        weights = self._weights()
        self.optimizer = torch.optim.AdamW(
            weights, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98), fused=True
        )
        self.step, self.seconds = 0, 0.0

    @property
    def key(self) -> Key:
        return key_of(self.recipe)

    @property
    def _parts(self) -> tuple[Any, ...]:
        return self.model, self.columns, self.averaged, self.optimizer

    def _weights(self) -> list[nn.Parameter]:
        return [*self.model.parameters(), *self.columns.parameters()]

    def learn(self, batch: Batch) -> tuple[float, float]:
        """One step; the losses by the decoder and by columns."""
        pixels, labels = batch
        rate = self._rate()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16) if self.recipe.bfloat16 else nullcontext():
            said, read = self._losses(pixels, labels)
        (said + self.recipe.ctc_share * read).backward()
        nn.utils.clip_grad_norm_(self._weights(), self.recipe.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        self._average()
        return said.item(), read.item()

    def _losses(self, pixels: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.model.encoder(pixel_values=to_input(pixels, self.images, torch.device("cpu"))).last_hidden_state
        inputs = decoder_inputs(labels, START, PAD)
        logits = self.model.decoder(input_ids=inputs, encoder_hidden_states=seen, use_cache=False).logits
        return token_loss(logits, labels) / (labels >= 0).sum(), ctc_loss(self.columns(seen), labels)

    def _rate(self) -> float:
        """The learning rate now: up, then down a cosine that ends where time or steps end."""
        recipe = self.recipe
        run = min(1.0, max(self.step / recipe.steps, self.seconds / (60 * recipe.minutes)))
        course = LOWEST_RATE + (1 - LOWEST_RATE) * (0.5 + 0.5 * math.cos(math.pi * run))
        return recipe.learning_rate * min((self.step + 1) / recipe.warm_up, course)

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.recipe.averaged, (1 + self.step) / (10 + self.step))
        own, averaged = list(self.model.parameters()), list(self.averaged.parameters())
        torch._foreach_lerp_(averaged, own, 1 - decay)

    @property
    def over(self) -> bool:
        return self.step >= self.recipe.steps or self.seconds >= 60 * self.recipe.minutes

    @torch.no_grad()
    def learned(self) -> Any:
        """The model with the averaged weights, mixed with those it began with where the recipe says so."""
        model = copy.deepcopy(self.averaged)
        weights = model.state_dict()
        for name, before in self._begun.items():
            weights[name].lerp_(before, self.recipe.mixed)
        return model

    def recognizer(self) -> Recognizer:
        """A recognizer with what was learned."""
        model = self.learned()
        base = Base("pre-training", model, self.processor.tokenizer, self.processor.image_processor)
        return Recognizer(base, model)

    def save(self, path: Path) -> None:
        """Everything, so that ``load`` goes on at this very step."""
        state = {"parts": [part.state_dict() for part in self._parts], "step": self.step, "seconds": self.seconds}
        with publish_file(path) as draft:
            torch.save({**state, "key": self.key}, draft)

    def load(self, path: Path) -> None:
        """Go on where ``save`` left off.

        Raises:
            PipelineError: the file is damaged, or of another recipe.
        """
        with whole("the state of the pre-training", path):
            state = torch.load(path, weights_only=True)
        older = state.get("key")  # fields that were not there yet are as by default
        before = key_of(msgspec.convert(older, Pretraining)) if older else {}
        demand_same(path, before, self.key, "begin anew in another folder.")
        for part, saved in zip(self._parts, state["parts"], strict=True):
            part.load_state_dict(saved)
        self.step, self.seconds = state["step"], state["seconds"]

    def write_model(self, folder: Path) -> None:
        """What ``from_pretrained`` needs, the weights in half precision as ko-trocr's are."""
        self.learned().half().save_pretrained(folder)
        self.processor.save_pretrained(folder)


def key_of(recipe: Pretraining) -> Key:
    """The recipe but for its length and its judging, which may change while it learns."""
    told = as_before(msgspec.to_builtins(recipe), Pretraining)
    return {name: value for name, value in told.items() if name not in _MAY_CHANGE}


def pretrain(recipe: Pretraining, folder: Path, *, workers: int = 1) -> Path:
    """Train, or go on where the state in ``folder`` left off; the model ends in ``folder/model``, whole.

    The threads of torch learn, and ``workers`` processes draw for them.

    Raises:
        PipelineError: another process works in ``folder``, or what stands there is of others or of another recipe.
        TrainingStoppedError: SIGTERM came; the state is saved.
    """
    claim(folder / MODEL, is_own=lambda _: (folder / STATE).is_file())
    with sole_worker(folder):
        return _pretrain(recipe, folder, workers)


def _pretrain(recipe: Pretraining, folder: Path, workers: int) -> Path:
    learner = Learner(recipe)
    if (folder / STATE).is_file():
        learner.load(folder / STATE)
        logger.info("goes on at step %d after %.1f minutes", learner.step, learner.seconds / 60)
    windows = Windows(recipe, TextCodec(learner.processor.tokenizer), learner.images)
    judges = judges_words(recipe.judge_words)
    with StopSigns(None) as signs:
        _learn(learner, windows, judges, signs, folder, workers)
    learner.save(folder / STATE)
    if signs.terminated:
        raise TrainingStoppedError(
            f"stopped by SIGTERM at step {learner.step}; the pre-training is saved",
            where=folder / STATE,
            remedy="Give the same command again, and it goes on from there.",
        )
    with publish_folder(folder / MODEL) as draft:
        learner.write_model(draft)
    _judge(learner, judges, folder)
    return folder / MODEL


def judges_words(count: int) -> dict[Kind, Words]:
    """``count`` clean words of each kind of face that is held out and is there."""
    faces = judging_faces(korean_faces())
    kinds: tuple[Kind, ...] = ("print", "hand", "sign")
    by_kind = {kind: [face for face in faces if face.kind == kind] for kind in kinds}
    return {kind: clean_words(of_kind, count) for kind, of_kind in by_kind.items() if of_kind}


def _learn(
    learner: Learner, windows: Windows, judges: dict[Kind, Words], signs: StopSigns, folder: Path, workers: int
) -> None:
    before, saved, judged = time.monotonic(), time.monotonic(), learner.seconds
    for batch in batches(windows, learner.step, workers):
        if learner.over or signs.terminated:
            return
        said, read = learner.learn(batch)
        now = time.monotonic()
        learner.seconds, before = learner.seconds + now - before, now
        if learner.step % LOG_EVERY == 0:
            crops = learner.step * learner.recipe.batch
            logger.info("%d crops, %.1f min: %.3f, by column %.3f", crops, learner.seconds / 60, said, read)
        if now - saved > SAVE_EVERY:
            learner.save(folder / STATE)
            saved = now
        if learner.seconds - judged > 60 * learner.recipe.judge_minutes:
            judged = learner.seconds
            _judge(learner, judges, folder)


def _judge(learner: Learner, judges: dict[Kind, Words], folder: Path) -> None:
    recognizer = learner.recognizer()
    errors = {kind: round(character_errors(recognizer, words), 4) for kind, words in judges.items()}
    crops, minutes = learner.step * learner.recipe.batch, round(learner.seconds / 60, 1)
    with (folder / CURVE).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"crops": crops, "minutes": minutes, **errors}) + "\n")
    logger.info("held-out faces after %d crops: %s", crops, errors)
