"""Training of the two adapters: one plain loop whose every step can be told from its number."""

from __future__ import annotations

import itertools
import logging
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.evaluation import RecognitionScores
from ocr_pipeline.recognition.dlora.checkpoints import (
    checkpoint_path,
    checkpoints_in,
    load_state,
    save_checkpoint,
)
from ocr_pipeline.recognition.dlora.data import Batch, CropDataset, StepSampler, loader
from ocr_pipeline.recognition.dlora.fitting import must_fit
from ocr_pipeline.recognition.dlora.four_bits import four_bits
from ocr_pipeline.recognition.dlora.learner import Learner, precision
from ocr_pipeline.recognition.dlora.recognizer import Base, load_base
from ocr_pipeline.recognition.dlora.reports import Stopwatch, history_files, report_coverage
from ocr_pipeline.recognition.dlora.settings import DloraTraining
from ocr_pipeline.recognition.dlora.validation import Validation
from ocr_pipeline.recognition.evaluating import write_evaluation
from ocr_pipeline.recognition.interface import Decoding
from ocr_pipeline.recognition.text import Coverage
from ocr_pipeline.training.loader_workers import LoaderWorkers
from ocr_pipeline.training.processes import Processes, connected, own_device
from ocr_pipeline.training.stopping import StopSigns, stopped_at

logger = logging.getLogger(__name__)

Paths = Sequence[str | Path]


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
        coverage: which training labels the tokenizer cannot say (``charset.csv``).
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
    """Train DoRA in the encoder and LoRA in the decoder of the base model (or what ``method`` says) on crops.

    Beside the checkpoints, ``output_dir`` gets results.csv, curves.png, charset.csv, and of the best evaluation every
    reading (predictions.csv) and the scores of each data set and each length (scores.csv).

    The base is evaluated first, by the same generation as every later evaluation. A run that resumes ends in the same
    weights, bit for bit, as one that was never interrupted (same machine, same settings).

    Args:
        train_paths, valid_paths: recognition data (LMDB folders or JSONL files); no validation data, no evaluation.
        on_progress: called after every step and every evaluation.

    Raises:
        PipelineError: data, base or checkpoint cannot be used, or the loss is no longer a number.
    """
    device = own_device(not settings.use_cpu and torch.cuda.is_available())
    quantised = four_bits(precision(settings, device)) if settings.qlora else None
    with connected(device) as processes:
        base = load_base(settings.model_name_or_path, quantised=quantised)
        must_fit(base, dry_run=not quantised)
        train_data = _dataset(train_paths, base, settings.seed if settings.augment else None)
        run = _Run(settings, base, train_data, _dataset(valid_paths, base), on_progress, device, processes)
        coverage = report_coverage(
            train_data, settings.seed, settings.strict_charset, run.output_dir, writes=processes.writes
        )
        run.start()
        run.train()
    return TrainingResult(
        run.made(),
        run.step,
        run.best,
        run.base_scores,
        coverage,
        run.history,
    )


@dataclass
class _Run:
    """One training under way; what ``_write_checkpoint`` puts into the state, ``_restore`` takes from it."""

    settings: DloraTraining
    base: Base
    train_data: CropDataset
    valid_data: CropDataset
    on_progress: Callable[[TrainingProgress], None] | None
    device: torch.device
    processes: Processes
    step: int = 0
    best: RecognitionScores | None = None
    best_step: int | None = None
    base_scores: RecognitionScores | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    loss_sum: float = 0.0
    workers: LoaderWorkers = field(default_factory=LoaderWorkers)

    def __post_init__(self) -> None:
        s = self.settings
        self.output_dir = Path(s.output_dir)
        if not len(self.train_data):
            raise PipelineError("there are no training crops", where="train paths", remedy="Make annotations first.")
        self.sampler = self._sampler(0, 0)
        self.steps = s.steps(self.sampler.steps_per_epoch)
        self.checkpoints = checkpoints_in(self.output_dir)
        self.files = history_files(self.output_dir, s.report_to if self.processes.writes else "none")
        self.validation = Validation(
            self.base,
            self.valid_data,
            self.valid_data.spread(s.eval_samples or len(self.valid_data), s.seed),
            Decoding(s.generation_max_length, s.generation_num_beams),
            s.per_device_eval_batch_size,
            self.processes,
            s.show_predictions,
            s.show_tokens,
        )

    def start(self) -> None:
        """Evaluate the base and prepare it for its training, or go back to where a checkpoint stands."""
        s = self.settings
        wanted = s.resume_from_checkpoint
        checkpoint = self.checkpoints.newest() if wanted == "last" else wanted and Path(wanted)
        checkpoint = Path(checkpoint) if checkpoint else None
        self.processes.must_agree((checkpoint and checkpoint.name, len(self.train_data), self.steps), self.output_dir)
        self.base.model.to(self.device)
        if not checkpoint:
            self._evaluate_base()
        self.learner = Learner(self.base, s, self.device, self.processes, checkpoint)
        crops, dtype = len(self.train_data), self.learner.precision or torch.float32
        logger.info("learning from %d crops in %d steps, on %s in %s", crops, self.steps, self.device, dtype)
        self.stopwatch = Stopwatch()
        if checkpoint:
            self._restore(checkpoint)

    def train(self) -> None:
        """Take all steps that are left.

        Raises:
            TrainingStoppedError: SIGTERM came to a process of this training; everything up to then is saved.
        """
        with StopSigns(None) as signs, self.workers:
            for batches in self.stopwatch.watched(self._steps(), lambda step: sum(len(batch.texts) for batch in step)):
                saved = self._step(batches)
                terminated = self.processes.any(signs.terminated)
                if terminated and self.step < self.steps:
                    self._leave(saved)

    def made(self) -> Path:
        """The checkpoint to read with, which is there: that of the best evaluation, or the last.

        Raises:
            PipelineError: nothing was trained.
        """
        path = checkpoint_path(self.output_dir, self.step if self.best_step is None else self.best_step)
        if path.is_dir():
            return path
        raise PipelineError(
            "nothing was trained: no step was left to do, and the checkpoint is not here",
            where=path,
            remedy="Raise --max_steps (or --num_train_epochs), or begin anew in another --output_dir.",
        )

    def _step(self, batches: list[Batch]) -> bool:
        """Learn, then log, evaluate and save where that is due; returns whether it was saved."""
        s = self.settings
        rate = s.learning_rate_at(self.step, self.steps)
        loss, norm = self.learner.learn(batches, self.step, rate)
        self.step += 1
        self.loss_sum += loss
        self._tell(TrainingProgress(self.step, self.steps, loss, rate))
        last, logging_now = self.step == self.steps, self.step % s.logging_steps == 0
        evaluated = bool(self.validation.indices) and (last or self.step % s.eval_steps == 0)
        if logging_now and self.processes.writes:
            self._show(batches)
        if evaluated or last or logging_now:
            self._record(rate, norm, self._evaluate() if evaluated else None)
        due = last or self.step % s.save_steps == 0 or self.best_step == self.step
        if due:
            self._save()
        return due

    def _leave(self, saved: bool) -> None:
        if not saved:
            self._save()
        place = checkpoint_path(self.output_dir, self.step)
        raise stopped_at(self.step, self.steps, place, go_on="--resume_from_checkpoint last")

    def _steps(self) -> Iterator[list[Batch]]:
        """This process's micro-batches of each step that is left."""
        sampler = self._sampler(self.step, self.steps)
        batches = iter(loader(self.train_data, sampler, self.settings.dataloader_num_workers, self.workers))
        for step in range(self.step, self.steps):
            yield list(itertools.islice(batches, sampler.micro_batches(step)))

    def _evaluate_base(self) -> None:
        if self.validation.indices:
            self.base_scores = self.validation.read(self.base.model, self.step).scores
            self.history.append({"step": 0, "epoch": 0.0, **self.base_scores.as_dict()})
            self._tell(TrainingProgress(0, self.steps, scores=self.base_scores))

    def _evaluate(self) -> RecognitionScores:
        evaluation = self.validation.read(self.learner.model, self.step)
        scores = evaluation.scores
        if self.best is None or scores.cer < self.best.cer:
            self.best, self.best_step = scores, self.step
            if self.processes.writes:
                write_evaluation(evaluation, self.output_dir)
        self._tell(TrainingProgress(self.step, self.steps, scores=scores))
        return scores

    def _show(self, batches: list[Batch]) -> None:
        """Log what the settings ask for."""
        if self.settings.show_training and batches:
            self.validation.show_training(self.learner.model, batches[0])
        if self.settings.profile:
            logger.info("%s", self.stopwatch.report())

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
        if self.processes.writes:
            self.files.write(self.history)

    def _save(self) -> None:
        """Write a checkpoint; all processes go on when it is whole."""
        if self.processes.writes:
            self._write_checkpoint()
        self.processes.wait()

    def _write_checkpoint(self) -> None:
        state = {
            **self.learner.state(),
            "global_step": self.step,
            "epoch": self.step / self.sampler.steps_per_epoch,
            "best": self.best and self.best.as_dict(),
            "best_step": self.best_step,
            "base": self.base_scores and self.base_scores.as_dict(),
            "history": self.history,
            "loss_sum": self.loss_sum,
            "settings": asdict(self.settings),
        }
        save_checkpoint(checkpoint_path(self.output_dir, self.step), self.learner.model, self.base, state)
        spare = None if self.best_step is None else checkpoint_path(self.output_dir, self.best_step)
        limit = self.settings.save_total_limit
        self.checkpoints.keep(limit if limit and limit > 0 else None, spare)

    def _restore(self, checkpoint: Path) -> None:
        state = load_state(checkpoint)
        self.learner.restore(state)
        self.step, self.history, self.loss_sum = state["global_step"], state["history"], state["loss_sum"]
        self.best, self.base_scores = (state[k] and RecognitionScores(**state[k]) for k in ("best", "base"))
        self.best_step = state["best_step"]
        if checkpoint.resolve().parent != self.output_dir.resolve():  # the best so far is not of this run's folder
            self.best = self.best_step = None
        if self.step > self.steps:
            raise PipelineError(
                f"the checkpoint has taken {self.step} steps already, and the training shall take {self.steps}",
                where=checkpoint,
                remedy="Raise --max_steps (or --num_train_epochs), or begin anew in another --output_dir.",
            )
        changed = [k for k, v in asdict(self.settings).items() if k in state["settings"] and state["settings"][k] != v]
        logger.info("resuming at step %d; settings that changed: %s", self.step, ", ".join(changed) or "none")

    def _sampler(self, first: int, last: int) -> StepSampler:
        s = self.settings
        return StepSampler(
            len(self.train_data),
            batch=s.per_device_train_batch_size,
            accumulation=s.gradient_accumulation_steps,
            processes=self.processes,
            seed=s.seed,
            first=first,
            last=last,
            length=self._label_length if s.group_by_length else None,
        )

    def _label_length(self, index: int) -> int:
        """About how many tokens the label has (jamo, which no tokenizer need be asked for)."""
        return len(unicodedata.normalize("NFD", self.train_data.text(index)))

    def _tell(self, progress: TrainingProgress) -> None:
        if self.on_progress and self.processes.writes:
            self.on_progress(progress)


def _dataset(paths: Paths, base: Base, augment_seed: int | None = None) -> CropDataset:
    return CropDataset([CropReader(path) for path in paths], base.codec, base.images, base.positions, augment_seed)
