"""Training of a FAST detector: forward, loss, step; saving, validating and going on exactly where it stopped."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.data import FATES, Batch, OwnBatches, Pages, SampleOrder, TrainingCrops
from ocr_pipeline.fast.data_parallel import apart, joined
from ocr_pipeline.fast.detector import choose_device
from ocr_pipeline.fast.losses import FastLoss, Losses
from ocr_pipeline.fast.network import build_network, in_channels_last, normalise
from ocr_pipeline.fast.optimisation import learning_rate, make_average, make_optimizer, seed_of_step
from ocr_pipeline.fast.reporting import OnProgress, Report, Window
from ocr_pipeline.fast.settings import CODE_VERSION, FastTraining, TrainingResult
from ocr_pipeline.fast.snapshots import (
    BEST,
    Snapshot,
    newest_snapshot,
    read_snapshot,
    remove_old_snapshots,
    write_detector,
    write_snapshot,
)
from ocr_pipeline.fast.validation import start_worker, validate, validation_loader, without_progress
from ocr_pipeline.fast.weights.reading import load_weights, read_weights
from ocr_pipeline.storage.files.fingerprints import fingerprint_file
from ocr_pipeline.training.loader_workers import LoaderWorkers
from ocr_pipeline.training.processes import Processes, connected, own_device
from ocr_pipeline.training.stopping import StopSigns, TrainingStoppedError

log = logging.getLogger(__name__)

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
        self.settings, self.pages, self.processes = settings, pages, processes
        self.config = config = settings.effective_config()
        self.device = processes.device
        torch.manual_seed(settings.seed)
        if settings.num_threads:
            torch.set_num_threads(settings.num_threads)
        self.network = build_network(config.variant, config.dropout).to(self.device)
        self.average = make_average(self.network, config)
        self.optimizer = make_optimizer(self.network, config)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=settings.amp and self.device.type == "cuda")
        self.loss = FastLoss(
            config.pooling_size,
            config.loss_text,
            config.loss_kernel,
            config.loss_embedding,
            config.embedding_version,
            config.rules.textless,
        )
        self.shares = pages.shares(config.dataset_weights)
        self.crops_per_step = config.batch_size * settings.ga_steps * processes.count
        self.steps_per_epoch = math.ceil(
            sum(taken for _, taken in self.shares) * config.repeat_times / self.crops_per_step
        )
        self.steps = settings.max_steps or config.epochs * self.steps_per_epoch
        self.workers = LoaderWorkers()
        self.valid = validation_loader(valid, config, settings, processes, self.workers) if valid else None
        self.step, self.position = 0, 0
        self.metric, self.history = dict[str, float](), list[dict[str, Any]]()
        self.window, self.stopped = Window(), ""
        self.report = Report(settings, self.steps, on_progress) if processes.writes else None
        self.weights = read_weights(settings.checkpoint) if settings.checkpoint else None
        self.origin = {
            "seed": settings.seed,
            "ga_steps": settings.ga_steps,
            "processes": processes.count,
            "steps": self.steps,
            "checkpoint": fingerprint_file(self.weights.path) if self.weights else "",
        }
        self.last: Path | None = None

    # ---- beginning

    def start(self) -> None:
        """Fresh weights, given weights, or exactly where a checkpoint left off."""
        resume = self.settings.resume
        path = newest_snapshot(self.settings.output_dir) if resume == "auto" else resume
        self._agree(path)
        if path is not None:
            snapshot = read_snapshot(Path(path))
            if resume != "auto" or self._continues(snapshot):
                self._restore(snapshot)
                self.last = Path(path)
                log.info("going on from %s at step %d of %d", path, self.step, self.steps)
                return
            log.info("%s was trained on other data or settings: starting anew", path)
        if self.weights is not None:
            count = load_weights(self.network, self.weights)
            log.info("%s (%s): all %d tensors loaded", self.weights.path, self.weights.layout, count)

    def _agree(self, path: Path | None) -> None:
        """All processes must see the same files, or they would wait for each other for ever."""
        seen = self.processes.gather((path and Path(path).name, self.pages.manifest(), self.steps))
        if any(other != seen[0] for other in seen):
            raise PipelineError(
                "the processes of this training see different data or checkpoints",
                where=self.settings.output_dir,
                remedy="Put --lmdb_base and --output_dir on a file system that all machines share.",
            )

    def _continues(self, snapshot: Snapshot) -> bool:
        """Whether the snapshot is of this very training: same code, data and settings."""
        now = self._snapshot()
        return all(getattr(snapshot, name) == getattr(now, name) for name in ("code_version", "data", "config", "run"))

    def _restore(self, snapshot: Snapshot) -> None:
        self.step, self.position = snapshot.global_step, snapshot.position
        self.metric, self.history = snapshot.metric, snapshot.history
        self.network.load_state_dict(snapshot.state_dict)
        if self.average is not None:
            self.average.module.load_state_dict(snapshot.ema)
            self.average.n_averaged.fill_(self.step)
        self.optimizer.load_state_dict(snapshot.optimizer)
        self.scaler.load_state_dict(snapshot.scaler)
        self.window.restore(snapshot.window)

    # ---- the loop

    def run(self) -> TrainingResult:
        if self.settings.channels_last:
            in_channels_last(self.network)
        network = joined(self.network, self.processes)
        if self.settings.compile:
            network = torch.compile(network, mode=self.settings.compile_mode)
        self.network.train()
        batches, began = self._batches(), time.monotonic()
        self._lose_patience()
        with StopSigns(self.settings.time_budget) as signs, self.workers:
            while self.step < self.steps and not self.stopped:
                self._update(network, batches)
                if self.processes.any(signs.time_is_up) and self.step < self.steps:
                    self.stopped = "time_budget"
                self._account(time.monotonic() - began)
                if self.processes.any(signs.terminated) and not self.stopped:
                    self._leave()
        return self._result()

    def _lose_patience(self) -> None:
        """End the training if its score has not risen for too many validations."""
        patience = self.settings.patience
        if patience and self.metric and without_progress(self.history, self.metric["step"]) >= patience:
            self.stopped = "patience"

    def _leave(self) -> None:
        self._save(self.settings.output_dir / f"checkpoint_step_{self.step}.pth")
        raise TrainingStoppedError(
            f"stopped by SIGTERM at step {self.step} of {self.steps}; the training is saved",
            where=self.last,
            remedy="Go on with --resume auto.",
        )

    def _batches(self) -> Iterator[Batch]:
        settings, config = self.settings, self.config
        stop = self.position + (self.steps - self.step) * self.crops_per_step
        order = SampleOrder(self.shares, settings.seed, self.position, stop)
        own = OwnBatches(order, config.batch_size, self.processes.rank, self.processes.count)
        return iter(
            DataLoader(
                TrainingCrops(self.pages, config, settings.seed),
                batch_sampler=own,
                num_workers=settings.num_workers,
                prefetch_factor=settings.prefetch_factor if settings.num_workers else None,
                pin_memory=settings.pin_memory_train and self.device.type == "cuda",
                worker_init_fn=partial(start_worker, self.workers),
                generator=torch.Generator(),  # leaves the global one, which dropout draws from, untouched
            )
        )

    def _update(self, network: Any, batches: Iterator[Batch]) -> None:
        """One step: gradients of ``ga_steps`` batches, then one update of the weights."""
        torch.manual_seed(seed_of_step(self.settings.seed, self.step, self.processes.rank))
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, self.step, self.steps, self.steps_per_epoch)
        sums, fates, faulty = np.zeros(len(Losses._fields)), np.zeros(len(FATES)), list[int]()
        for left in reversed(range(self.settings.ga_steps)):
            batch = next(batches)
            if self.report is not None:
                self.report.show_batch(batch, first=self.step == 0)
            with apart(network, self.processes) if left else nullcontext():
                losses = self._losses(network, batch)
                means, words = self._over_all(losses, batch)
                if not math.isfinite(means[0]):
                    faulty += self._faulty(losses, batch)
                    continue
                self.scaler.scale(losses.total / self.settings.ga_steps).backward()
            sums, fates = sums + means / self.settings.ga_steps, fates + words
        if faulty:
            self._skip(faulty)
        else:
            self._descend()
            self.window.add(sums, fates)
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.position += self.crops_per_step

    def _over_all(self, losses: Losses, batch: Batch) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Mean losses of the batches of all processes, and what became of the words in them."""
        own = torch.cat([torch.stack(losses).detach(), batch.words.sum(0).to(self.device)])
        seen = np.array(self.processes.sum(own.tolist()))
        return seen[: len(losses)] / self.processes.count, seen[len(losses) :]

    def _faulty(self, losses: Losses, batch: Batch) -> list[int]:
        """The pages of those batches whose loss is not finite."""
        own = [] if torch.isfinite(losses.total) else batch.page.tolist()
        return [page for pages in self.processes.gather(own) for page in pages]

    def _descend(self) -> None:
        """Change the weights by their gradients."""
        if self.config.clip_norm:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average is not None:
            self.average.update_parameters(self.network)

    def _skip(self, faulty: Sequence[int]) -> None:
        """Leave the step out, and give up when that happens too often or the network itself is spoilt."""
        self.window.skipped += 1
        names = ", ".join(self.pages.name(index) for index in dict.fromkeys(faulty))
        log.warning("step %d is left out, its loss is not finite: %s", self.step + 1, names)
        spoilt = not all(torch.isfinite(value).all() for value in self.network.state_dict().values())
        if spoilt or self.window.skipped > self.settings.max_skips:
            raise PipelineError(
                f"the loss is no longer finite at step {self.step + 1} (left out so far: {self.window.skipped - 1})",
                where=names,
                remedy="Look at these pages; else lower --learning_rate, set clip_norm, or train without --amp.",
            )

    def _losses(self, network: Any, batch: Batch) -> Losses:
        given, *maps = (tensor.to(self.device, non_blocking=True) for tensor in batch[:5])
        pictures = normalise(given)
        if self.settings.channels_last:
            pictures = pictures.contiguous(memory_format=torch.channels_last)
        half = torch.float16 if self.device.type == "cuda" else torch.bfloat16
        with torch.autocast(self.device.type, dtype=half, enabled=self.settings.amp):
            logits = network(pictures)
        return self.loss(logits, *maps)

    # ---- bookkeeping

    def _account(self, seconds: float) -> None:
        """Log, validate and save where that is due."""
        end = self.step == self.steps or bool(self.stopped)
        epoch_end = self.step % self.steps_per_epoch == 0
        validating = self.valid is not None and (end or self._due(self.settings.val_every_steps, epoch_end))
        if validating or end or self._due(self.settings.log_every_steps, False):
            self._record(seconds, validating)
            self._lose_patience()
        if self.stopped or end or epoch_end or self._due(self.settings.save_every_steps, epoch_end):
            name = f"epoch_{self.step // self.steps_per_epoch}" if epoch_end else f"step_{self.step}"
            self._save(self.settings.output_dir / f"checkpoint_{name}.pth")

    def _due(self, every: int, otherwise: bool) -> bool:
        return self.step % every == 0 if every else otherwise

    def _record(self, seconds: float, validating: bool) -> None:
        """Add a row to the history: mean losses since the last one and, if due, the score."""
        row: dict[str, Any] = {"step": self.step, "epoch": self.step // self.steps_per_epoch}
        row |= {"learning_rate": self.optimizer.param_groups[0]["lr"]} | self.window.close()
        if validating:
            row |= self._validate()
        self.history.append(row)
        if self.report is not None:
            finished = self.step == self.steps or bool(self.stopped)
            self.report.add_row(self.history, seconds, curves=validating or finished)

    def _validate(self) -> dict[str, float]:
        assert self.valid is not None
        score, drawn = validate(self._judged(), self.valid, self.config, self.processes, shown=_SHOWN_PAGES)
        if self.report is not None:
            self.report.show_pages(drawn)
        metric = {"precision": score.precision, "recall": score.recall, "hmean": score.hmean}
        if not self.metric or score.hmean > self.metric["hmean"]:
            self.metric = metric | {"step": self.step}
            self._keep_best()
        return metric

    def _keep_best(self) -> None:
        if self.processes.writes:
            write_detector(self.settings.output_dir / BEST, self._snapshot())

    def _judged(self) -> Any:
        return self.network if self.average is None else self.average.module

    def _save(self, path: Path) -> None:
        if self.processes.writes:
            write_snapshot(path, self._snapshot())
            remove_old_snapshots(self.settings.output_dir, self.settings.keep_checkpoints)
        self.last = path
        self.processes.wait()

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            global_step=self.step,
            epoch=self.step // self.steps_per_epoch,
            position=self.position,
            state_dict=self.network.state_dict(),
            ema=self.average.module.state_dict() if self.average is not None else {},
            optimizer=self.optimizer.state_dict(),
            scaler=self.scaler.state_dict(),
            window=self.window.state(),
            config=msgspec.to_builtins(self.config),
            data=self.pages.manifest(),
            code_version=CODE_VERSION,
            run=self.origin,
            metric=self.metric,
            history=self.history,
        )

    def _result(self) -> TrainingResult:
        best = self.settings.output_dir / BEST
        if self.valid is None:
            self._keep_best()
        assert self.last is not None
        return TrainingResult(best, self.last, self.metric, self.step, self.history, self.stopped)
