"""What must hold after a round of kills."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import dagster as dg

from benchmarks.orchestration.kills_arena import Arena
from benchmarks.orchestration.kills_digest import digest
from benchmarks.orchestration.kills_tally import Found, Round
from ocr_pipeline.devices.machine import find_machine
from ocr_pipeline.devices.queue import LeaseQueue, is_abandoned
from ocr_pipeline.storage.artifacts.manifest import manifest_path

_STARTED = {dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_RESTARTED}
_TRAINED = ("fast_checkpoint", "dlora_checkpoint", "fast_champion", "dlora_champion")
_PATIENCE = 60.0


def verdict(arena: Arena, instance: dg.DagsterInstance, played: Round) -> Found:
    """Look at everything a round left.

    A training is asked for as a whole, so each time its steps may look again at what is there; they may make it once.
    """
    asked = played.asked if played.training else 1
    starts, successes, first = _steps(instance, played.began)
    wrong = _different(arena, played.training) + _left_behind(arena, instance) + _made_anew(arena, first)
    wrong += [f"{step} succeeded {count} times, asked {asked}" for step, count in successes.items() if count > asked]
    wrong += [
        f"{step} started {count} times, asked {asked}, hit {played.hit[step]}"
        for step, count in starts.items()
        if count > asked + played.hit[step]
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


def _made_anew(arena: Arena, first: dict[str, float]) -> list[str]:
    """What a training published although the step that makes it had succeeded before."""
    manifests = {name: manifest_path(getattr(arena.workspace, name)) for name in _TRAINED}
    published = {name: manifest.stat().st_mtime for name, manifest in manifests.items() if manifest.exists()}
    return [f"{name} was made again" for name, time in published.items() if time > first.get(f" {name}", time)]


def _steps(instance: dg.DagsterInstance, began: float) -> tuple[Counter[str], Counter[str], dict[str, float]]:
    """How often each ``partition step`` started and succeeded in the runs since ``began``, and when it first did."""
    starts: Counter[str] = Counter()
    successes: Counter[str] = Counter()
    first: dict[str, float] = {}
    for record in instance.get_run_records():
        if record.create_timestamp.timestamp() < began:
            continue
        run = record.dagster_run
        for entry in instance.all_logs(run.run_id, {*_STARTED, dg.DagsterEventType.STEP_SUCCESS}):
            event = entry.dagster_event
            if event is None:
                continue
            step = f"{run.tags.get('dagster/partition', '')} {event.step_key}"
            if event.event_type in _STARTED:
                starts[step] += 1
            else:
                successes[step] += 1
                first[step] = min(entry.timestamp, first.get(step, entry.timestamp))
    return starts, successes, first
