"""Training of the two adapters: one plain loop whose every step can be told from its number."""

from __future__ import annotations

import csv
import io
import itertools
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ocr_pipeline.annotations import CropReader
from ocr_pipeline.dlora.adapters import GradientWatch, adapter_parameters, add_adapters, load_adapters
from ocr_pipeline.dlora.checkpoints import (
    checkpoint_path,
    last_checkpoint,
    load_state,
    prune_checkpoints,
    random_state,
    restore_random_state,
    save_checkpoint,
)
from ocr_pipeline.dlora.data import IGNORED, Batch, CropDataset, StepSampler, loader, to_input
from ocr_pipeline.dlora.loss import decoder_inputs, token_loss
from ocr_pipeline.dlora.recognizer import Base, Recognizer, load_base
from ocr_pipeline.dlora.settings import DloraTraining
from ocr_pipeline.dlora.text import Coverage
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.evaluation import RecognitionScores, recognition_scores
from ocr_pipeline.storage.publishing import publish_text

logger = logging.getLogger(__name__)

Paths = Sequence[str | Path]
COVERAGE_SAMPLE = 2000
COLUMNS = ("step", "epoch", "loss", "learning_rate", "gradient_norm", *RecognitionScores.__dataclass_fields__)


@dataclass(frozen=True)
class TrainingProgress:
    """What ``on_progress`` is told: the loss after each step, the scores after each evaluation (step 0: the base's)."""

    step: int
    steps: int
    loss: float | None = None
    learning_rate: float | None = None
    scores: RecognitionScores | None = None


@dataclass(frozen=True)
class TrainingResult:
    """What a training gave.

    Attributes:
        checkpoint: the folder to read with: that of the best evaluation, or the last without validation data.
        best: scores of that checkpoint.
        base: scores of the base model alone, on the same crops and read in the same way.
        coverage: which training labels the tokenizer cannot say.
        history: the rows of results.csv.
    """

    checkpoint: Path
    steps: int
    best: RecognitionScores | None
    base: RecognitionScores | None
    coverage: Coverage
    history: list[dict[str, Any]]


def train_dlora(
    settings: DloraTraining,
    train_paths: Paths,
    valid_paths: Paths,
    on_progress: Callable[[TrainingProgress], None] | None = None,
) -> TrainingResult:
    """Train DoRA in the encoder and LoRA in the decoder of the base model on recognition data.

    The base is evaluated first, by the same generation as every later evaluation. A run that resumes ends in the same
    weights, bit for bit, as one that was never interrupted (same machine, same settings).

    Args:
        train_paths, valid_paths: recognition data (LMDB folders or JSONL files); no validation data, no evaluation.
        on_progress: called after every step and every evaluation.

    Raises:
        PipelineError: data, base or checkpoint cannot be used, or the loss is no longer a number.
    """
    base = load_base(settings.model_name_or_path)
    run = _Run(settings, base, _dataset(train_paths, base), _dataset(valid_paths, base), on_progress)
    coverage = run.check_labels()
    run.start()
    run.train()
    return TrainingResult(
        checkpoint_path(run.output_dir, run.steps if run.best_step is None else run.best_step),
        run.steps,
        run.best,
        run.base_scores,
        coverage,
        run.history,
    )


def evaluate(recognizer: Recognizer, dataset: CropDataset, indices: Sequence[int], batch: int) -> RecognitionScores:
    """Read the crops at ``indices`` and compare with their labels."""
    batches = [list(indices[start : start + batch]) for start in range(0, len(indices), batch)]
    references: list[str] = []
    predictions: list[str] = []
    for crops in loader(dataset, batches, workers=0):
        references += crops.texts
        predictions += [reading.text for reading in recognizer.read(crops.pixels)]
    for reference, prediction in list(zip(references, predictions, strict=True))[:3]:
        logger.info("reads %r as %r", reference, prediction)
    return recognition_scores(references, predictions)


@dataclass
class _Run:
    """One training under way; what ``_save`` puts into the state, ``_restore`` takes from it."""

    settings: DloraTraining
    base: Base
    train_data: CropDataset
    valid_data: CropDataset
    on_progress: Callable[[TrainingProgress], None] | None
    step: int = 0
    best: RecognitionScores | None = None
    best_step: int | None = None
    base_scores: RecognitionScores | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    loss_sum: float = 0.0

    def __post_init__(self) -> None:
        s = self.settings
        self.output_dir = Path(s.output_dir)
        self.device = torch.device("cuda" if torch.cuda.is_available() and not s.use_cpu else "cpu")
        self.precision = torch.bfloat16 if s.bf16 else torch.float16
        if s.fp16 and self.device.type == "cpu":
            raise PipelineError("fp16 needs a CUDA device", where="fp16", remedy="Use bf16, or neither, on the CPU.")
        if not len(self.train_data):
            raise PipelineError("there are no training crops", where="train paths", remedy="Make annotations first.")
        self.sampler = self._sampler(0, 0)
        self.steps = s.steps(self.sampler.steps_per_epoch)
        self.indices = self.valid_data.spread(s.eval_samples or len(self.valid_data), s.seed)

    def check_labels(self) -> Coverage:
        """Report what the tokenizer cannot say, on a sample of the labels."""
        indices = self.train_data.spread(COVERAGE_SAMPLE, self.settings.seed)
        coverage = self.train_data.codec.coverage(self.train_data.text(index) for index in indices)
        if coverage.changed:
            logger.warning(
                "the tokenizer cannot say %d of %d labels as they are; by character: %s; examples: %s",
                coverage.changed,
                coverage.labels,
                dict(coverage.characters.most_common(10)),
                coverage.examples[:3],
            )
        return coverage

    def start(self) -> None:
        """Evaluate the base and add new adapters to it, or go back to where a checkpoint stands."""
        s = self.settings
        wanted = s.resume_from_checkpoint
        checkpoint = last_checkpoint(self.output_dir) if wanted == "last" else wanted and Path(wanted)
        self.base.model.to(self.device)
        if not checkpoint:
            self._evaluate_base()
            torch.manual_seed(s.seed)
            self.model = add_adapters(self.base.model, rank=s.lora_rank, alpha=s.lora_alpha, dropout=s.lora_dropout)
        else:
            self.model = load_adapters(self.base.model, checkpoint, trainable=True)
        self.model.to(self.device).train()
        self.weights = [weight for _, weight in adapter_parameters(self.model)]
        self.optimizer = torch.optim.AdamW(self.weights, lr=s.learning_rate, weight_decay=s.weight_decay)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=s.fp16)
        self.watch = GradientWatch(self.model)
        if checkpoint:
            self._restore(checkpoint)

    def train(self) -> None:
        s = self.settings
        for batches in self._steps():
            rate = s.learning_rate_at(self.step, self.steps)
            loss, norm = self._learn(batches, rate)
            self.step += 1
            self.loss_sum += loss
            self._tell(TrainingProgress(self.step, self.steps, loss, rate))
            last = self.step == self.steps
            evaluated = bool(self.indices) and (last or self.step % s.eval_steps == 0)
            if evaluated or last or self.step % s.logging_steps == 0:
                self._record(rate, norm, self._evaluate() if evaluated else None)
            if last or self.step % s.save_steps == 0 or self.best_step == self.step:
                self._save()

    def _steps(self) -> Iterator[list[Batch]]:
        """The micro-batches of each step that is left."""
        sampler = self._sampler(self.step, self.steps)
        batches = iter(loader(self.train_data, sampler, self.settings.dataloader_num_workers))
        for step in range(self.step, self.steps):
            yield list(itertools.islice(batches, sampler.micro_batches(step)))

    def _learn(self, batches: list[Batch], rate: float) -> tuple[float, float]:
        """One optimiser step; returns the mean loss per token and the gradient's norm before clipping.

        Every token of the step weighs the same, in whichever micro-batch it is.
        """
        tokens = sum(int((batch.labels != IGNORED).sum()) for batch in batches)
        total = 0.0
        for batch in batches:
            loss = self._loss(batch) / tokens
            self.scaler.scale(loss).backward()
            total += loss.item()
        self._must_be_finite(total)
        self.watch.after_backward()
        self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.weights, self.settings.max_grad_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return total, float(norm)

    def _must_be_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise PipelineError(
                "the loss is no longer a number",
                where=f"step {self.step + 1}",
                remedy="Lower learning_rate, or train without fp16; earlier checkpoints are intact.",
            )

    def _loss(self, batch: Batch) -> Tensor:
        labels = batch.labels.to(self.device, non_blocking=True)
        config = self.base.model.config
        inputs = decoder_inputs(labels, config.decoder_start_token_id, config.pad_token_id)
        mixed = self.settings.bf16 or self.settings.fp16
        with torch.autocast(self.device.type, self.precision, enabled=mixed):
            pixels = to_input(batch.pixels, self.train_data.images, self.device)
            logits = self.model(pixel_values=pixels, decoder_input_ids=inputs).logits
        return token_loss(logits, labels)

    def _evaluate_base(self) -> None:
        if self.indices:
            self.base_scores = self._scores(self.base.model)
            self.history.append({"step": 0, "epoch": 0.0, **self.base_scores.as_dict()})
            self._tell(TrainingProgress(0, self.steps, scores=self.base_scores))

    def _evaluate(self) -> RecognitionScores:
        scores = self._scores(self.model)
        if self.best is None or scores.cer < self.best.cer:
            self.best, self.best_step = scores, self.step
        self._tell(TrainingProgress(self.step, self.steps, scores=scores))
        return scores

    def _scores(self, model: Any) -> RecognitionScores:
        recognizer = Recognizer(self.base, model, longest=self.settings.generation_max_length)
        batch = self.settings.per_device_eval_batch_size
        scores = evaluate(recognizer, self.valid_data, self.indices, batch)
        logger.info("step %d: CER %.4f, exact %.4f (%d crops)", self.step, scores.cer, scores.exact, scores.count)
        return scores

    def _record(self, rate: float, norm: float, scores: RecognitionScores | None) -> None:
        since = self.history[-1]["step"] if self.history else 0
        row = {
            "step": self.step,
            "epoch": self.step / self.sampler.steps_per_epoch,
            "loss": self.loss_sum / (self.step - since),
            "learning_rate": rate,
            "gradient_norm": norm,
            **(scores.as_dict() if scores else {}),
        }
        self.loss_sum = 0.0
        self.history.append(row)
        logger.info("step %d of %d: loss %.4f", self.step, self.steps, row["loss"])
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.history)
        publish_text(self.output_dir / "results.csv", text.getvalue())

    def _save(self) -> None:
        state = {
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            **random_state(),
            "global_step": self.step,
            "epoch": self.step / self.sampler.steps_per_epoch,
            "best": self.best and self.best.as_dict(),
            "best_step": self.best_step,
            "base": self.base_scores and self.base_scores.as_dict(),
            "history": self.history,
            "loss_sum": self.loss_sum,
            "settings": asdict(self.settings),
        }
        save_checkpoint(checkpoint_path(self.output_dir, self.step), self.model, self.base, state)
        prune_checkpoints(self.output_dir, self.settings.save_total_limit, self.best_step)

    def _restore(self, checkpoint: Path) -> None:
        state = load_state(checkpoint)
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.step, self.history, self.loss_sum = state["global_step"], state["history"], state["loss_sum"]
        self.best, self.base_scores = (state[k] and RecognitionScores(**state[k]) for k in ("best", "base"))
        self.best_step = state["best_step"]
        if checkpoint.resolve().parent != self.output_dir.resolve():  # the best so far is not of this run's folder
            self.best = self.best_step = None
        changed = [k for k, v in asdict(self.settings).items() if k in state["settings"] and state["settings"][k] != v]
        logger.info("resuming at step %d; settings that changed: %s", self.step, ", ".join(changed) or "none")
        restore_random_state(state)

    def _sampler(self, first: int, last: int) -> StepSampler:
        s = self.settings
        return StepSampler(
            len(self.train_data),
            batch=s.per_device_train_batch_size,
            accumulation=s.gradient_accumulation_steps,
            seed=s.seed,
            first=first,
            last=last,
        )

    def _tell(self, progress: TrainingProgress) -> None:
        if self.on_progress:
            self.on_progress(progress)


def _dataset(paths: Paths, base: Base) -> CropDataset:
    return CropDataset([CropReader(path) for path in paths], base.codec, base.images, base.positions)
