"""Training of a FAST detector: step by step, saving, validating, and going on exactly where it stopped."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch.utils.data import DataLoader

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.evaluation import DetectionScore
from ocr_pipeline.fast.checkpoints import (
    BEST,
    TrainingState,
    checkpoints_in,
    key_of,
    read_state,
    restoring,
    write_detector,
    write_state,
)
from ocr_pipeline.fast.config import find_config
from ocr_pipeline.fast.data import Batch, Pages, PreparedPage, SampleOrder, TrainingCrops, pages_if_any
from ocr_pipeline.fast.learner import Arithmetic, Learner, half_precision
from ocr_pipeline.fast.loading import Loading, load_batches, load_pages
from ocr_pipeline.fast.optimisation import make_schedule
from ocr_pipeline.fast.progress import Progress
from ocr_pipeline.fast.reporting import OnProgress, Report
from ocr_pipeline.fast.settings import CODE_VERSION, FastTraining, TrainingResult
from ocr_pipeline.fast.validation import validate
from ocr_pipeline.fast.weights.reading import demand_checkpoint, read_weights
from ocr_pipeline.models import FAST_KOREAN
from ocr_pipeline.settings import recorded
from ocr_pipeline.storage.artifacts.state import demand_as_published
from ocr_pipeline.storage.files.fingerprints import fingerprint_file
from ocr_pipeline.training.compiling import own_compiler_cache
from ocr_pipeline.training.device import chosen_device
from ocr_pipeline.training.loader_workers import LoaderWorkers
from ocr_pipeline.training.processes import Processes, connected, own_device
from ocr_pipeline.training.resuming import demand_own, demand_same, demand_steps, where_to_go_on
from ocr_pipeline.training.stopping import StopSigns, stopped_at

logger = logging.getLogger(__name__)

_SHOWN_PAGES = 4
_FROM_WEIGHTS = "name the checkpoint as --checkpoint instead, to begin anew from its weights."


def train_fast(
    settings: FastTraining,
    train_lmdbs: Sequence[Path],
    valid_lmdbs: Sequence[Path],
    on_progress: OnProgress | None = None,
) -> TrainingResult:
    """Train until the configured end, and return the best and the last checkpoint.

    Args:
        train_lmdbs, valid_lmdbs: layout LMDBs; without ``valid_lmdbs`` the last weights are the best ones.
        on_progress: is given each new row of the history (step, steps, losses, learning rate, metrics, seconds).

    Raises:
        PipelineError: data, configuration, checkpoint or device cannot be used, data is not as it was published, or the
            loss is not finite too often.
        TrainingStoppedError: SIGTERM came; everything up to then is saved.
    """
    settings = demand_beginning(settings)
    device = own_device(chosen_device(settings.device))
    with connected(device) as processes:
        if processes.writes:
            demand_as_published([*train_lmdbs, *valid_lmdbs])
        train, valid = Pages(train_lmdbs), pages_if_any(valid_lmdbs)
        if valid is None:
            logger.warning("there are no pages to validate on: the last weights will count as the best")
        train.warn_of_unlabelled_text()
        training = _Training(settings, train, valid, on_progress, processes)
        training.start()
        return training.run()


def demand_beginning(settings: FastTraining) -> FastTraining:
    """The settings of a training that can begin as a person says, with the configuration where it lies.

    What takes but a moment is looked at before anything is written, and before all of the data is read.

    Raises:
        PipelineError: the configuration is wrong, a checkpoint is not there, or another training was in the folder.
    """
    settings = dataclasses.replace(settings, config=find_config(settings.config))
    settings.effective_config()
    for named in (settings.checkpoint, settings.resume):
        if isinstance(named, Path):
            demand_checkpoint(named)
    if settings.resume != "auto":
        best = settings.output_dir / BEST
        made = checkpoints_in(settings.output_dir).newest() or (best if best.exists() else None)
        demand_own(settings.output_dir, made, settings.resume, "--resume auto")
    return settings


class _Training:
    """One training: what changes from step to step, and the parts that change it."""

    def __init__(
        self,
        settings: FastTraining,
        pages: Pages,
        valid: Pages | None,
        on_progress: OnProgress | None,
        processes: Processes,
    ) -> None:
        s = self.settings = settings
        self.pages, self.processes = pages, processes
        self.config = config = s.effective_config()
        if s.num_threads:
            torch.set_num_threads(s.num_threads)
        half = half_precision(s.amp, processes.device)
        arithmetic = Arithmetic(half, s.channels_last, s.compile_mode if s.compile else None)
        self.learner = Learner(config, arithmetic, s.seed, processes)
        shares = pages.shares(config.dataset_weights)
        self.schedule = make_schedule(config, shares, s.ga_steps * processes.count, s.max_steps)
        self.workers, self.valid = LoaderWorkers(), None
        if valid is not None:
            loading = Loading(s.val_num_workers, s.val_prefetch_factor, s.pin_memory_val)
            self.valid = load_pages(valid, config.short_size, s.val_max_samples, loading, processes, self.workers)
        start = s.checkpoint or (FAST_KOREAN if config.start_from == "shipped" else None)
        self.weights = read_weights(start) if start else None
        self.identity = self._identity(valid)
        self.folder, self.origin = self._origin()
        self.checkpoints = checkpoints_in(self.folder)
        self.report: Report | None = None
        if processes.writes:
            events = s.report_to == "tensorboard"
            self.report = Report(self.folder, self.schedule.steps, on_progress, events=events, quiet=s.quiet)
        self.step, self.position, self.progress = 0, 0, Progress()
        self.stopped, self.last = "", Path()

    # ---- beginning

    def _identity(self, valid: Pages | None) -> dict[str, Any]:
        """The fields of a ``TrainingState`` that are the same from the first step of a training to its last."""
        return {
            "code_version": CODE_VERSION,
            "data": self.pages.manifest(),
            "config": msgspec.to_builtins(self.config),
            "judged_on": valid.manifest() if valid else [],
            "run": {
                **recorded(self.settings, "seed", "ga_steps"),
                "processes": self.processes.count,
                "starting weights": fingerprint_file(self.weights.path) if self.weights else "",
            },
        }

    def _origin(self) -> tuple[Path, Path | None]:
        """The folder that is worked in, and the checkpoint there or elsewhere that is gone on from."""
        s, key = self.settings, key_of(self.identity)
        if s.resume != "auto":
            return s.output_dir, s.resume
        return where_to_go_on(s.output_dir, key, checkpoints_in, lambda path: key_of(vars(read_state(path))))

    def start(self) -> None:
        """Fresh weights, given weights, or exactly where a checkpoint left off."""
        self.processes.must_agree((str(self.origin), self.identity, self.schedule.steps), self.folder)
        if self.origin is not None:
            self._go_on(self.origin)
        elif self.weights is not None:
            count = self.learner.begin_with(self.weights)
            logger.info("%s (%s): all %d tensors loaded", self.weights.path, self.weights.layout, count)

    def _go_on(self, checkpoint: Path) -> None:
        state = read_state(checkpoint)
        demand_same(checkpoint, key_of(vars(state)), key_of(self.identity), _FROM_WEIGHTS)
        demand_steps(checkpoint, state.global_step, self.schedule.steps, "--max_steps or --epochs")
        self.step, self.position, self.last = state.global_step, state.position, checkpoint
        with restoring(checkpoint):
            self.learner.restore(state)
            self.progress.restore(state)
        is_here = checkpoint.resolve().parent == self.folder.resolve() and (self.folder / BEST).exists()
        if not is_here or state.judged_on != self.identity["judged_on"]:
            self.progress.best = {}
            logger.warning("%s: its best score is not of this folder and data; the best is sought anew", checkpoint)
        logger.info("going on from %s at step %d of %d", checkpoint, self.step, self.schedule.steps)

    # ---- the loop

    def run(self) -> TrainingResult:
        batches, began, first = self._batches(), time.monotonic(), self.step + 1
        if self.report is not None:
            self.report.begin(f"{len(self.pages):,} pages, on {self.processes.device},")
        self._stop_without_progress()
        compiled = own_compiler_cache() if self.settings.compile else nullcontext()
        with StopSigns(self.settings.time_budget) as signs, self.workers, compiled:
            while self.step < self.schedule.steps and not self.stopped:
                self._learn(list(islice(batches, self.settings.ga_steps)), signs)
                if self.step == first and self.report is not None:
                    self.report.estimate(self.step, time.monotonic() - began)
                if self.processes.any(signs.time_is_up) and self.step < self.schedule.steps:
                    self.stopped = "time_budget"
                self._account(time.monotonic() - began)
                if self.processes.any(signs.terminated) and not self.stopped:
                    self._leave()
        return self._result()

    def _stop_without_progress(self) -> None:
        """End the training if its score has not risen for too many validations."""
        patience = self.settings.patience
        if patience and self.progress.best and self.progress.validations_since_best() >= patience:
            self.stopped = "patience"

    def _leave(self) -> None:
        self._save(f"step_{self.step}")
        raise stopped_at(self.step, self.schedule.steps, self.last, go_on="--resume auto")

    def _batches(self) -> Iterator[Batch]:
        """This process's batches of the steps that are left."""
        s, size = self.settings, self.config.batch_size
        stop = self.position + (self.schedule.steps - self.step) * self.schedule.crops
        order = SampleOrder(self.schedule.shares, s.seed, self.position, stop)
        crops = TrainingCrops(self.pages, self.config, s.seed)
        loading = Loading(s.num_workers, s.prefetch_factor, s.pin_memory_train)
        return iter(load_batches(crops, order, size, loading, self.processes, self.workers))

    def _learn(self, batches: Sequence[Batch], signs: StopSigns) -> None:
        """One step."""
        if self.report is not None:
            self.report.show_batch(batches[0], first=self.step == 0)
        try:
            learnt = self.learner.learn(batches, self.step, self.schedule.rate(self.step))
        except Exception:
            if signs.terminated and self.settings.compile:  # so was the compiler that the step waited for
                self._leave()
            raise
        if learnt.faulty:
            self._skip(learnt.faulty)
        else:
            self.progress.window.add(learnt.losses, learnt.words)
        self.step += 1
        self.position += self.schedule.crops

    def _skip(self, faulty: Sequence[int]) -> None:
        """Leave the step out, and give up when that happens too often or the network itself is spoilt."""
        step, before = self.step + 1, self.progress.window.skipped
        self.progress.window.skipped += 1
        names = ", ".join(self.pages.name(index) for index in dict.fromkeys(faulty))
        logger.warning("step %d is left out, its loss is not finite: %s", step, names)
        if self.learner.spoilt or before >= self.settings.max_skips:
            raise PipelineError(
                f"the loss is no longer finite at step {step} (left out so far: {before})",
                where=names,
                remedy="Look at these pages; else lower --learning_rate, set clip_norm, or train without --amp.",
            )

    # ---- bookkeeping

    def _account(self, seconds: float) -> None:
        """Log, validate and save where that is due."""
        s, epoch_end = self.settings, self.step % self.schedule.steps_per_epoch == 0
        end = self.step == self.schedule.steps or bool(self.stopped)
        validating = self.valid is not None and (end or self._due(s.val_every_steps, epoch_end))
        if validating or end or self._due(s.log_every_steps, False):
            self._record(seconds, self.valid if validating else None, validating or end)
            self._stop_without_progress()
        if self.stopped or end or epoch_end or self._due(s.save_every_steps, epoch_end):
            self._save(f"epoch_{self.schedule.epochs(self.step)}" if epoch_end else f"step_{self.step}")

    def _due(self, every: int, otherwise: bool) -> bool:
        return self.step % every == 0 if every else otherwise

    def _record(self, seconds: float, pages: DataLoader[PreparedPage] | None, curves: bool) -> None:
        """Add a row to the history, with the score on validation ``pages`` if it is due."""
        score = self._validate(pages) if pages is not None else None
        rate = self.schedule.rate(self.step - 1)
        if self.progress.add_row(self.step, self.schedule.epochs(self.step), rate, score):
            self._keep_best()
        if self.report is not None:
            self.report.add_row(self.progress.history, seconds, curves)

    def _validate(self, pages: DataLoader[PreparedPage]) -> DetectionScore:
        score, drawn = validate(self.learner.judged, pages, self.config, self.processes, shown=_SHOWN_PAGES)
        if self.report is not None:
            self.report.show_pages(drawn)
        return score

    def _keep_best(self) -> None:
        if self.processes.writes:
            write_detector(self.folder / BEST, self._state())

    def _save(self, name: str) -> None:
        self.last = self.folder / f"checkpoint_{name}.pth"
        if self.processes.writes:
            write_state(self.last, self._state())
            self.checkpoints.keep(self.settings.keep_checkpoints)
        self.processes.wait()

    def _state(self) -> TrainingState:
        return TrainingState(
            global_step=self.step,
            epoch=self.schedule.epochs(self.step),
            position=self.position,
            **self.progress.state(),
            **self.learner.state(),
            **self.identity,
        )

    def _result(self) -> TrainingResult:
        best = self.folder / BEST
        if self.valid is None:
            self._keep_best()
        if not best.is_file():
            raise _nothing_trained(best, self.step, self.schedule.steps)
        return TrainingResult(best, self.last, self.progress.best, self.step, self.progress.history, self.stopped)


def _nothing_trained(where: Path, step: int, steps: int) -> PipelineError:
    return PipelineError(
        f"nothing was trained: step {step} of {steps} was done before",
        where=where,
        remedy="Raise --max_steps or --epochs, or begin anew in another --output_dir.",
    )
