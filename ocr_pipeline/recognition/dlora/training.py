"""Training of the two adapters: one plain loop whose every step can be told from its number."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.evaluation import RecognitionScores
from ocr_pipeline.recognition.dlora.base import Base
from ocr_pipeline.recognition.dlora.checkpoints import (
    STATE,
    WHAT_STATE,
    checkpoint_path,
    checkpoints_in,
    load_state,
    save_checkpoint,
)
from ocr_pipeline.recognition.dlora.data import Batch, CropDataset
from ocr_pipeline.recognition.dlora.feed import Feed
from ocr_pipeline.recognition.dlora.fitting import must_fit
from ocr_pipeline.recognition.dlora.four_bits import four_bits
from ocr_pipeline.recognition.dlora.identity import judging_key, key_of, training_key
from ocr_pipeline.recognition.dlora.learner import Learner, precision
from ocr_pipeline.recognition.dlora.progress import Progress
from ocr_pipeline.recognition.dlora.recognizer import load_base
from ocr_pipeline.recognition.dlora.reports import Stopwatch, history_files, report_coverage
from ocr_pipeline.recognition.dlora.settings import DloraTraining
from ocr_pipeline.recognition.dlora.validation import Validation
from ocr_pipeline.recognition.evaluating import write_evaluation
from ocr_pipeline.recognition.interface import Decoding
from ocr_pipeline.recognition.pretrained import whole
from ocr_pipeline.recognition.text import Coverage
from ocr_pipeline.storage.artifacts.state import demand_as_published
from ocr_pipeline.training.device import chosen_device
from ocr_pipeline.training.loader_workers import LoaderWorkers
from ocr_pipeline.training.processes import Processes, connected, own_device
from ocr_pipeline.training.resuming import Key, demand_own, demand_same, demand_steps, where_to_go_on
from ocr_pipeline.training.stopping import StopSigns, stopped_at

logger = logging.getLogger(__name__)

Paths = Sequence[str | Path]
_AS_BASE = "begin anew in another --output_dir; merge-dlora makes a base of what the checkpoint has learnt."


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
        PipelineError: data, base or checkpoint cannot be used, data is not as it was published, or the loss is no
            longer a number.
    """
    device = own_device(chosen_device("cpu" if settings.use_cpu else settings.device))
    quantised = four_bits(precision(settings, device)) if settings.qlora else None
    with connected(device) as processes:
        demand_own_folder(settings)
        base = load_base(settings.model_name_or_path, quantised=quantised)
        must_fit(base, dry_run=not quantised)
        if processes.writes:
            demand_as_published(map(Path, [*train_paths, *valid_paths]))  # takes long, so it comes last
        data = _dataset(train_paths, base, settings.seed if settings.augment else None)
        if not len(data):
            raise PipelineError("there are no training crops", where="train paths", remedy="Make annotations first.")
        key = training_key(settings, base, data, processes.count)
        folder, origin = _origin(settings, key)
        valid = _dataset(valid_paths, base)
        parts = Feed(data, settings, processes), _validation(settings, base, valid, processes)
        run = _Run(settings, base, *parts, on_progress, processes, key, judging_key(settings, valid), folder)
        coverage = report_coverage(data, settings.seed, settings.strict_charset, folder, writes=processes.writes)
        run.start(origin)
        run.train()
    return TrainingResult(
        run.made(), run.progress.step, run.progress.best, run.progress.base, coverage, run.progress.history
    )


def demand_own_folder(settings: DloraTraining) -> None:
    """See to it that a training which is not to go on from the last one begins where no other was.

    Raises:
        PipelineError: another one was there.
    """
    folder, wanted = Path(settings.output_dir), settings.resume_from_checkpoint
    if wanted != "last":
        origin = Path(wanted) if wanted else None
        demand_own(folder, checkpoints_in(folder).newest(), origin, "--resume_from_checkpoint last")


def _origin(settings: DloraTraining, key: Key) -> tuple[Path, Path | None]:
    """The folder that is worked in, and the checkpoint there or elsewhere that is gone on from."""
    folder, wanted = Path(settings.output_dir), settings.resume_from_checkpoint
    if wanted != "last":
        return folder, Path(wanted) if wanted else None
    return where_to_go_on(folder, key, checkpoints_in, lambda path: key_of(load_state(path)))


@dataclass
class _Run:
    """One training under way; what ``_write_checkpoint`` puts into the state, ``_restore`` takes from it."""

    settings: DloraTraining
    base: Base
    feed: Feed
    validation: Validation
    on_progress: Callable[[TrainingProgress], None] | None
    processes: Processes
    key: Key
    judged_by: Key
    folder: Path
    progress: Progress = field(default_factory=Progress)
    workers: LoaderWorkers = field(default_factory=LoaderWorkers)
    stopwatch: Stopwatch = field(default_factory=Stopwatch)

    def __post_init__(self) -> None:
        self.steps = self.settings.steps(self.feed.steps_per_epoch)
        self.checkpoints = checkpoints_in(self.folder)
        self.files = history_files(self.folder, self.settings.report_to if self.processes.writes else "none")

    def start(self, origin: Path | None) -> None:
        """Evaluate the base and prepare it for its training, or go back to where the checkpoint ``origin`` stands."""
        self.processes.must_agree((str(origin), self.key, self.steps), self.folder)
        state = self._state_in(origin) if origin else None
        self.base.model.to(self.processes.device)
        if state is None:
            self._evaluate_base()
        self.learner = Learner(self.base, self.settings, self.processes, origin)
        if origin and state:
            self._restore(origin, state)
        where, dtype = self.processes.device, self.learner.precision or torch.float32
        logger.info("learning from %d crops in %d steps, on %s in %s", len(self.feed.data), self.steps, where, dtype)
        self.stopwatch.restart()

    def _state_in(self, checkpoint: Path) -> dict[str, Any]:
        state = load_state(checkpoint)
        demand_same(checkpoint, key_of(state), self.key, _AS_BASE)
        demand_steps(checkpoint, state["global_step"], self.steps, "--max_steps (or --num_train_epochs)")
        return state

    def _restore(self, checkpoint: Path, state: dict[str, Any]) -> None:
        with whole(WHAT_STATE, checkpoint / STATE):
            self.learner.restore(state)
            self.progress.restore(state)
        is_here = checkpoint.resolve().parent == self.folder.resolve()
        if not is_here or state["judged_by"] != self.judged_by:
            self.progress.forget_best()
            logger.warning("%s: its best score is not of this folder and data; the best is sought anew", checkpoint)
        logger.info("going on from %s at step %d of %d", checkpoint, self.progress.step, self.steps)

    def train(self) -> None:
        """Take all steps that are left.

        Raises:
            TrainingStoppedError: SIGTERM came to a process of this training; everything up to then is saved.
        """
        steps = self.feed.steps(self.progress.step, self.steps, self.workers)
        with StopSigns(None) as signs, self.workers:
            for batches in self.stopwatch.watched(steps, lambda step: sum(len(batch.texts) for batch in step)):
                saved = self._step(batches)
                terminated = self.processes.any(signs.terminated)
                if terminated and self.progress.step < self.steps:
                    self._leave(saved)

    def made(self) -> Path:
        """The checkpoint to read with, which is there: that of the best evaluation, or the last.

        Raises:
            PipelineError: nothing was trained.
        """
        best = self.progress.best_step
        path = checkpoint_path(self.folder, self.progress.step if best is None else best)
        if path.is_dir():
            return path
        raise PipelineError(
            "nothing was trained: no step was left to do, and the checkpoint is not here",
            where=path,
            remedy="Raise --max_steps (or --num_train_epochs), or begin anew in another --output_dir.",
        )

    def _step(self, batches: list[Batch]) -> bool:
        """Learn, then log, evaluate and save where that is due; returns whether it was saved."""
        s, progress = self.settings, self.progress
        rate = s.learning_rate_at(progress.step, self.steps)
        loss, norm = self.learner.learn(batches, progress.step, rate)
        progress.advance(loss)
        self._tell(TrainingProgress(progress.step, self.steps, loss, rate))
        last, logging_now = progress.step == self.steps, progress.step % s.logging_steps == 0
        evaluated = bool(self.validation.indices) and (last or progress.step % s.eval_steps == 0)
        if logging_now and self.processes.writes:
            self._show(batches)
        if evaluated or last or logging_now:
            self._record(rate, norm, self._evaluate() if evaluated else None)
        due = last or progress.step % s.save_steps == 0 or progress.best_step == progress.step
        if due:
            self._save()
        return due

    def _leave(self, saved: bool) -> None:
        if not saved:
            self._save()
        step = self.progress.step
        raise stopped_at(step, self.steps, checkpoint_path(self.folder, step), go_on="--resume_from_checkpoint last")

    def _evaluate_base(self) -> None:
        if self.validation.indices:
            scores = self.validation.read(self.base.model, 0).scores
            self.progress.begin(scores)
            self._tell(TrainingProgress(0, self.steps, scores=scores))

    def _evaluate(self) -> RecognitionScores:
        evaluation = self.validation.read(self.learner.model, self.progress.step)
        if self.progress.judge(evaluation.scores) and self.processes.writes:
            write_evaluation(evaluation, self.folder)
        self._tell(TrainingProgress(self.progress.step, self.steps, scores=evaluation.scores))
        return evaluation.scores

    def _show(self, batches: list[Batch]) -> None:
        """Log what the settings ask for."""
        if self.settings.show_training and batches:
            self.validation.show_training(self.learner.model, batches[0])
        if self.settings.profile:
            logger.info("%s", self.stopwatch.report())

    def _record(self, rate: float, norm: float, scores: RecognitionScores | None) -> None:
        loss = self.progress.add_row(self._epoch, rate, norm, scores)
        logger.info("step %d of %d: loss %.4f", self.progress.step, self.steps, loss)
        if self.processes.writes:
            self.files.write(self.progress.history)

    def _save(self) -> None:
        """Write a checkpoint; all processes go on when it is whole."""
        if self.processes.writes:
            self._write_checkpoint()
        self.processes.wait()

    def _write_checkpoint(self) -> None:
        progress = self.progress
        state = {
            **self.learner.state(),
            **progress.state(),
            "epoch": self._epoch,
            "key": self.key,
            "judged_by": self.judged_by,
        }
        save_checkpoint(checkpoint_path(self.folder, progress.step), self.learner.model, self.base, state)
        spare = None if progress.best_step is None else checkpoint_path(self.folder, progress.best_step)
        limit = self.settings.save_total_limit
        self.checkpoints.keep(limit if limit and limit > 0 else None, spare)

    @property
    def _epoch(self) -> float:
        return self.progress.step / self.feed.steps_per_epoch

    def _tell(self, progress: TrainingProgress) -> None:
        if self.on_progress and self.processes.writes:
            self.on_progress(progress)


def _dataset(paths: Paths, base: Base, augment_seed: int | None = None) -> CropDataset:
    return CropDataset([CropReader(path) for path in paths], base.codec, base.images, base.positions, augment_seed)


def _validation(settings: DloraTraining, base: Base, data: CropDataset, processes: Processes) -> Validation:
    return Validation(
        base,
        data,
        data.spread(settings.eval_samples or len(data), settings.seed),
        Decoding(settings.generation_max_length, settings.generation_num_beams),
        settings.per_device_eval_batch_size,
        processes,
        settings.show_predictions,
        settings.show_tokens,
    )
