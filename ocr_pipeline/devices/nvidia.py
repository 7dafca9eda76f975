"""The GPUs of this machine, as nvidia-smi tells: it may be absent, fail, or never answer."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

PATIENCE = 30.0
"""Seconds for an answer; a machine with many GPUs that nobody keeps awake takes half of it."""
_NONE_THERE = "No devices were found"


class NoAnswerError(Exception):
    """Which GPUs there are cannot be found out."""


def listed_gpus() -> tuple[str, ...]:
    """Their CUDA names: the index of a whole GPU, the UUIDs of one that is cut in slices (MIG).

    Raises:
        NoAnswerError: nvidia-smi fails, hangs or says something else.
    """
    answer = _ask("--query-gpu=index,mig.mode.current", "--format=csv,noheader")
    modes = [line.partition(", ") for line in answer if re.match(r"\d+, ", line)]  # it may warn among them
    if answer and not modes:
        raise NoAnswerError(f"nvidia-smi lists no GPUs: {' '.join(answer)}")
    if not any(mode == "Enabled" for *_, mode in modes):
        return tuple(index for index, *_ in modes)
    slices = dict(_slices(_ask("-L")))
    named = ([index] if mode != "Enabled" else slices.get(index, []) for index, _, mode in modes)
    return tuple(name for names in named for name in names)


def _slices(listing: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Index of a GPU -> UUIDs of its slices; a GPU that is to be cut and is not yet has none."""
    for gpu in re.split(r"^(?=GPU \d)", "\n".join(listing), flags=re.MULTILINE):
        if head := re.match(r"GPU (\d+)", gpu):
            yield head[1], re.findall(r"\(UUID: (MIG-[^)]+)\)", gpu)


def _ask(*question: str) -> list[str]:
    try:
        asked = subprocess.Popen(
            ["nvidia-smi", *question], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
    except FileNotFoundError:
        return []  # no driver, no GPU
    except OSError as error:
        raise NoAnswerError(f"nvidia-smi cannot be started ({error.strerror})") from error
    try:
        answer, _ = asked.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired as error:
        asked.kill()  # and not waited for: one that hangs in the driver does not even die
        raise NoAnswerError(f"nvidia-smi has not answered for {PATIENCE:g} s") from error
    if asked.returncode and _NONE_THERE not in answer:
        raise NoAnswerError(f"nvidia-smi fails: {' '.join(answer.split())}")
    return [] if asked.returncode else answer.splitlines()
