"""What a training may go on from: a checkpoint that was made of the very same inputs, whatever its length is to be."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.training.retention import Checkpoints

logger = logging.getLogger(__name__)

Key = dict[str, Any]
"""All that decides what a training learns but its length: plain values, by names that a person understands."""

_LOOKED_AT = 64  # samples of data that no manifest vouches for


def data_key(path: Path, fingerprint: str, samples: int, content: Callable[[int], bytes]) -> dict[str, str | int]:
    """What a key holds of one data set, wherever it lies.

    Args:
        fingerprint: as its manifest has it; empty where there is none, and some samples are looked at instead.
        content: of the sample of a number.
    """
    looked_at = sorted({place * samples // _LOOKED_AT for place in range(_LOOKED_AT)}) if samples else []
    return {
        "name": path.name,
        "samples": samples,
        "fingerprint": fingerprint or fingerprint_of(content(number) for number in looked_at),
    }


def filled(old: Key, defaults: Key) -> Key:
    """An older key with what was not there yet: settings that came later were as by default before."""
    inner = {name: filled(old.get(name, {}), value) for name, value in defaults.items() if isinstance(value, dict)}
    return {**defaults, **old, **inner}


def where_to_go_on(
    folder: Path, key: Key, checkpoints_in: Callable[[Path], Checkpoints], key_of: Callable[[Path], Key]
) -> tuple[Path, Path | None]:
    """The folder that a training with ``key`` works in, and the checkpoint it goes on from, if there is one.

    Where the newest checkpoint in ``folder`` is of other inputs, it stays as it is, and the folder is one within that
    is named after the key.
    """
    newest = checkpoints_in(folder).newest()
    if newest is None:
        return folder, None
    if not (others := _changes(key_of(newest), key)):
        return folder, newest
    aside = folder / f"run-{fingerprint_of([msgspec.json.encode(key, order='deterministic')])[:8]}"
    logger.warning("%s was trained with %s; this training goes its own way in %s", newest, "; ".join(others), aside)
    return aside, checkpoints_in(aside).newest()


def demand_own(folder: Path, made: Path | None, origin: Path | None, flag: str) -> None:
    """See to it that a training replaces no other's work: what lies in its folder is its own if it goes on from there.

    Args:
        made: what an earlier training left in the folder, if anything.
        origin: what this one goes on from, if it does.
        flag: which makes it go on.

    Raises:
        PipelineError: it begins anew, or comes from elsewhere, where another one was.
    """
    if made and (origin is None or origin.absolute().parent != folder.absolute()):
        raise PipelineError(
            "another training was here, whose checkpoints this one would replace",
            where=made,
            remedy=f"Give {flag} to go on, or another --output_dir to begin anew.",
        )


def demand_same(checkpoint: Path, old: Key, new: Key, remedy: str) -> None:
    """See to it that a checkpoint, which a person named, is of the inputs that are wanted now.

    Raises:
        PipelineError: it was trained with others.
    """
    if others := _changes(old, new):
        raise PipelineError(
            f"one cannot go on from this checkpoint, which was trained with {'; '.join(others)}",
            where=checkpoint,
            remedy=f"Give the same again, or {remedy}",
        )


def demand_steps(checkpoint: Path, step: int, steps: int, flags: str) -> None:
    """See to it that a training is not over before it goes on.

    Raises:
        PipelineError: its checkpoint has taken more steps than the training shall.
    """
    if step > steps:
        raise PipelineError(
            f"the checkpoint has taken {step} steps already, and the training shall take {steps}",
            where=checkpoint,
            remedy=f"Raise {flags}, or begin anew in another --output_dir.",
        )


def _changes(old: Key, new: Key) -> Sequence[str]:
    """What an older key has otherwise, in words: ``seed 1 (now 2)``, ``augmentation.rotation 30.0 (now 10.0)``."""
    before, now = dict(_flat(old)), dict(_flat(new))
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return [f"{name} {_short(before.get(name))} (now {_short(now.get(name))})" for name in names]


def _flat(key: Key, above: str = "") -> Iterator[tuple[str, object]]:
    for name, value in key.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield above + name, value


def _short(value: object) -> str:
    """A value, or of data sets their names with the beginning of their fingerprints."""
    if isinstance(value, list) and all(isinstance(item, dict) and "fingerprint" in item for item in value):
        return ", ".join(f"{item['name']} {item['fingerprint'][:8]}" for item in value) or "none"
    return "unset" if value in (None, "") else str(value)
