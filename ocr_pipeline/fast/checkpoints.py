"""Checkpoints that this pipeline writes: whole or not at all, and complete enough to go on exactly."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import msgspec
import torch

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.card import ORIGIN, detector_card
from ocr_pipeline.fast.config import FastConfig, config_from
from ocr_pipeline.fast.weights.reading import read_checkpoint_file
from ocr_pipeline.settings import as_before
from ocr_pipeline.storage.files.publishing import publish_file, publish_text
from ocr_pipeline.training.cards import card_beside
from ocr_pipeline.training.resuming import Key, filled
from ocr_pipeline.training.retention import Checkpoints

FORMAT = "ocr_pipeline.fast/1"
BEST = "best_checkpoint.pth"


@dataclasses.dataclass
class TrainingState:
    """All that a training consists of after ``global_step`` updates; plain values and tensors only.

    Attributes:
        epoch: passes over the data that are finished.
        position: crops that were used; the next step starts at this one.
        state_dict: weights; ema: averaged weights, empty if there is no average.
        optimizer, scaler: their states.
        window: sums of the losses since the last row of the history, how many steps they cover, what became of the
            words in that time, and how many steps were skipped in all.
        config: of the detector; data: LMDBs with length and fingerprint; code_version: of the stage.
        run: what else decides about the weights (seed, accumulation, processes, weights it started from).
        judged_on: the validation LMDBs, as ``data`` has the others.
        metric: best score so far, empty before the first validation; history: rows of ``results.csv``.
    """

    global_step: int
    epoch: int
    position: int
    state_dict: dict[str, Any]
    ema: dict[str, Any]
    optimizer: dict[str, Any]
    scaler: dict[str, Any]
    window: dict[str, Any]
    config: dict[str, Any]
    data: list[dict[str, Any]]
    code_version: str
    run: dict[str, Any]
    judged_on: list[dict[str, Any]]
    metric: dict[str, float]
    history: list[dict[str, Any]]


def key_of(fields: Mapping[str, Any]) -> Key:
    """Of the fields of a state those that a training must have in common with a checkpoint to go on from it."""
    config = as_before(filled(fields["config"], msgspec.to_builtins(FastConfig())), FastConfig)
    del config["epochs"]
    return {"code version": fields["code_version"], "training data": fields["data"], **fields["run"], **config}


def write_state(path: Path, state: TrainingState) -> None:
    """Publish a checkpoint to go on from."""
    content = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    _write(path, content)


def write_detector(path: Path, state: TrainingState) -> None:
    """Publish what prediction needs, the weights with configuration, metric and origin, and beside them a card."""
    names = ("epoch", "state_dict", "ema", "config", *ORIGIN)
    _write(path, {name: getattr(state, name) for name in names})
    publish_text(card_beside(path), detector_card(config_from(state.config, path), vars(state)))


def read_state(path: Path) -> TrainingState:
    """Read a checkpoint to go on from.

    Raises:
        PipelineError: the file is not there, cannot be read, or is no such checkpoint.
    """
    content = read_checkpoint_file(path)
    content.setdefault("ema", {})
    names = {field.name for field in dataclasses.fields(TrainingState)}
    if content.get("format") != FORMAT or not names <= content.keys():
        raise _no_state(path, "it is none of this pipeline's trainings")
    kinds = {name: get_origin(hint) or hint for name, hint in get_type_hints(TrainingState).items()}
    wrong = sorted(name for name, kind in kinds.items() if not isinstance(content[name], kind))
    if wrong or min(content["global_step"], content["position"]) < 0:
        raise _no_state(path, f"its {', '.join(wrong) or 'position'} cannot be")
    return TrainingState(**{name: content[name] for name in names})


@contextmanager
def restoring(path: Path) -> Iterator[None]:
    """Whatever the parts of a training say of a state that is not theirs.

    Raises:
        PipelineError: one cannot go on from it.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise _no_state(path, str(error).splitlines()[0]) from error


def _no_state(path: Path, why: str) -> PipelineError:
    return PipelineError(
        f"one cannot go on from this checkpoint ({why})",
        where=path,
        remedy="Give a checkpoint_step_*.pth or checkpoint_epoch_*.pth of this pipeline to --resume; "
        "to start from other weights use --checkpoint.",
    )


def checkpoints_in(folder: Path) -> Checkpoints:
    """Those that a training can go on from; the best detector is none of them."""
    return Checkpoints(folder, r"checkpoint_(?:step|epoch)_(\d+)\.pth")


def _write(path: Path, content: dict[str, Any]) -> None:
    content = {"format": FORMAT} | {name: value for name, value in content.items() if name != "ema" or value}
    with publish_file(path) as draft:
        torch.save(content, draft)
