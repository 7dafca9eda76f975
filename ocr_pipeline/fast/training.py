"""Training of a FAST detector: step by step, saving, validating, and going on exactly where it stopped."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch.utils.data import DataLoader

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.evaluation import DetectionScore
from ocr_pipeline.fast.checkpoints import BEST, TrainingState, checkpoints_in, read_state, write_detector, write_state
from ocr_pipeline.fast.data import Batch, Pages, PreparedPage, SampleOrder, TrainingCrops
from ocr_pipeline.fast.detector import choose_device
from ocr_pipeline.fast.learner import Arithmetic, Learner
from ocr_pipeline.fast.loading import Loading, load_batches, load_pages
from ocr_pipeline.fast.optimisation import make_schedule
from ocr_pipeline.fast.progress import Progress
from ocr_pipeline.fast.reporting import OnProgress, Report
from ocr_pipeline.fast.settings import CODE_VERSION, FastTraining, TrainingResult
from ocr_pipeline.fast.validation import validate
from ocr_pipeline.fast.weights.reading import load_weights, read_weights
from ocr_pipeline.models import FAST_KOREAN
from ocr_pipeline.storage.files.fingerprints import fingerprint_file
from ocr_pipeline.training.loader_workers import LoaderWorkers
from ocr_pipeline.training.processes import Processes, connected, own_device
from ocr_pipeline.training.stopping import StopSigns, stopped_at

logger = logging.getLogger(__name__)

_SHOWN_PAGES = 4


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
        PipelineError: data, configuration, checkpoint or device cannot be used, or the loss is not finite too often.
        TrainingStoppedError: SIGTERM came; everything up to then is saved.
    """
    device = own_device(choose_device(settings.device).type == "cuda")
    with connected(device) as processes:
        train, valid = Pages(train_lmdbs), Pages(valid_lmdbs) if valid_lmdbs else None
        train.warn_of_unlabelled_text()
        training = _Training(settings, train, valid, on_progress, processes)
        training.start()
        return training.run()


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
        arithmetic = Arithmetic(s.amp, s.channels_last, s.compile_mode if s.compile else None)
        self.learner = Learner(config, arithmetic, s.seed, processes)
        shares = pages.shares(config.dataset_weights)
        self.schedule = make_schedule(config, shares, s.ga_steps * processes.count, s.max_steps)
        self.workers, self.valid = LoaderWorkers(), None
        if valid is not None:
            loading = Loading(s.val_num_workers, s.val_prefetch_factor, s.pin_memory_val)
            self.valid = load_pages(valid, config.short_size, s.val_max_samples, loading, processes, self.workers)
        self.report: Report | None = None
        if processes.writes:
            events = s.report_to == "tensorboard"
            self.report = Report(s.output_dir, self.schedule.steps, on_progress, events=events, quiet=s.quiet)
        start = s.checkpoint or (FAST_KOREAN if config.start_from == "shipped" else None)
        self.weights = read_weights(start) if start else None
        self.checkpoints, self.identity = checkpoints_in(s.output_dir), self._identity()
        self.step, self.position, self.progress = 0, 0, Progress()
        self.stopped, self.last = "", Path()

    # ---- beginning

    def _identity(self) -> dict[str, Any]:
        """The fields of a ``TrainingState`` that are the same from the first step of a training to its last."""
        return {
            "code_version": CODE_VERSION,
            "data": self.pages.manifest(),
            "config": msgspec.to_builtins(self.config),
            "run": {
                "seed": self.settings.seed,
                "ga_steps": self.settings.ga_steps,
                "processes": self.processes.count,
                "steps": self.schedule.steps,
                "checkpoint": fingerprint_file(self.weights.path) if self.weights else "",
            },
        }

    def start(self) -> None:
        """Fresh weights, given weights, or exactly where a checkpoint left off."""
        s, resume = self.settings, self.settings.resume
        path = self.checkpoints.newest() if resume == "auto" else resume
        self.processes.must_agree((path and Path(path).name, self.identity["data"], self.schedule.steps), s.output_dir)
        if path is not None:
            state = read_state(Path(path))
            if resume != "auto" or all(getattr(state, name) == value for name, value in self.identity.items()):
                self.step, self.position, self.last = state.global_step, state.position, Path(path)
                self.learner.restore(state)
                self.progress.restore(state)
                if self._is_elsewhere(Path(path), state):
                    self.progress.best = {}
                    logger.warning("%s: its best score is not of this folder and data; the best is sought anew", path)
                logger.info("going on from %s at step %d of %d", path, self.step, self.schedule.steps)
                return
            logger.info("%s was trained on other data or settings: starting anew", path)
        if self.weights is not None:
            count = load_weights(self.learner.network, self.weights)
            logger.info("%s (%s): all %d tensors loaded", self.weights.path, self.weights.layout, count)
            if not self.config.side_branches and not self.learner.network.sides_rest:
                raise PipelineError(
                    "side_branches is false, but the side branches of these weights are trained",
                    where=self.weights.path,
                    remedy="Set side_branches: true in the configuration.",
                )

    def _is_elsewhere(self, path: Path, state: TrainingState) -> bool:
        """Whether the best detector so far is not in this folder, or was judged on other data."""
        is_here = (
            path.resolve().parent == self.settings.output_dir.resolve() and (self.settings.output_dir / BEST).exists()
        )
        return not is_here or state.data != self.identity["data"]

    # ---- the loop

    def run(self) -> TrainingResult:
        batches, began = self._batches(), time.monotonic()
        self._stop_without_progress()
        with StopSigns(self.settings.time_budget) as signs, self.workers:
            while self.step < self.schedule.steps and not self.stopped:
                self._learn(list(islice(batches, self.settings.ga_steps)))
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

    def _learn(self, batches: Sequence[Batch]) -> None:
        """One step."""
        if self.report is not None:
            self.report.show_batch(batches[0], first=self.step == 0)
        learnt = self.learner.learn(batches, self.step, self.schedule.rate(self.step))
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
            write_detector(self.settings.output_dir / BEST, self._state())

    def _save(self, name: str) -> None:
        self.last = self.settings.output_dir / f"checkpoint_{name}.pth"
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
        best = self.settings.output_dir / BEST
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
