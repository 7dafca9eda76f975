"""What must hold after a round of kills."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import dagster as dg

from benchmarks.orchestration.kills_arena import Arena
from benchmarks.orchestration.kills_digest import digest
from ocr_pipeline.leases.machine import find_machine
from ocr_pipeline.leases.queue import LeaseQueue, is_abandoned

_STARTED = {dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_RESTARTED}
_PATIENCE = 60.0


@dataclass(frozen=True)
class Found:
    """Steps that succeeded, starts beyond the first of each, and all that should not be."""

    steps: int
    started_again: int
    wrong: list[str]


def verdict(arena: Arena, instance: dg.DagsterInstance, began: float, hit: Counter[str], *, training: bool) -> Found:
    """Look at everything a round left; ``hit`` counts the kills that met each ``partition step``."""
    wrong = _different(arena, training) + _left_behind(arena, instance)
    starts, successes = _steps(instance, began)
    wrong += [f"{step} succeeded {count} times" for step, count in successes.items() if count > 1]
    wrong += [
        f"{step} started {count} times, hit {hit[step]}" for step, count in starts.items() if count > 1 + hit[step]
    ]
    return Found(successes.total(), (starts - Counter(set(starts))).total(), wrong)


def _different(arena: Arena, training: bool) -> list[str]:
    reference: dict[str, str] = json.loads((arena.folder / "reference.json").read_text())
    expected = {name: value for name, value in reference.items() if training or name not in _of_training(reference)}
    made = digest(arena.workspace)
    return [
        f"{name} {'differs' if name in made else 'is missing'}"
        for name, value in expected.items()
        if made.get(name) != value
    ]


def _of_training(names: Any) -> set[str]:
    return {name for name in names if name.startswith(("fast_ch", "dlora_ch"))}


def _left_behind(arena: Arena, instance: dg.DagsterInstance) -> list[str]:
    """Leases, slots, runs and processes that should have gone, after the moment that the last of them needs."""
    deadline = time.monotonic() + _PATIENCE
    while (left := _now_left(arena, instance)) and time.monotonic() < deadline:
        time.sleep(1)
    return left


def _now_left(arena: Arena, instance: dg.DagsterInstance) -> list[str]:
    left = [f"ticket {ticket.owner}" for ticket in LeaseQueue(arena.leases, find_machine(), 60).tickets()]
    left += [f"lease {path.name}" for path in (arena.output / ".leases").glob("*.lock") if not is_abandoned(path)]
    slots = instance.event_log_storage.get_concurrency_info("gpu").claimed_slots
    left += [f"slot of {slot.run_id}" for slot in slots]
    left += [f"run {run.run_id} {run.status.value}" for run in instance.get_runs() if not run.is_finished]
    for kind in ("step", "keeper", "run"):
        left += [f"{kind} process {victim.pid}" for victim in arena.victims(kind)]
    return left


def _steps(instance: dg.DagsterInstance, began: float) -> tuple[Counter[str], Counter[str]]:
    """How often each ``partition step`` started and succeeded in the runs since ``began``."""
    starts: Counter[str] = Counter()
    successes: Counter[str] = Counter()
    for record in instance.get_run_records():
        if record.create_timestamp.timestamp() < began:
            continue
        run = record.dagster_run
        for entry in instance.all_logs(run.run_id, {*_STARTED, dg.DagsterEventType.STEP_SUCCESS}):
            event = entry.dagster_event
            if event is not None:
                counter = starts if event.event_type in _STARTED else successes
                counter[f"{run.tags.get('dagster/partition', '')} {event.step_key}"] += 1
    return starts, successes
