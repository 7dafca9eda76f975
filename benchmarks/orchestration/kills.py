"""Random kills over a demo backfill: ``python -m benchmarks.orchestration.kills FOLDER [SECONDS]``.

A small share with faults is backfilled through a real daemon, again and again into an empty output folder, while this
process kills -9 steps, keepers, run workers, code servers and the daemon itself, at random moments. A killed daemon is
started anew as ``make ui`` does it, by the reaper first; a backfill that ended without everything made is asked for
again, as its user would. Every second round trains both models a few steps, under the same fire. After each round:

- every artifact is byte for byte that of an undisturbed run (of weights: every tensor);
- no lease, no slot of the pool and no process is left behind, and no run counts as under way;
- no step succeeded twice, and none started more often than once and again for each kill that met it.

FOLDER keeps share, reference and tally between calls; a call plays whole rounds until SECONDS (200) are over.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import dagster as dg

from benchmarks.orchestration.kills_arena import Arena, Daemon
from benchmarks.orchestration.kills_verdict import verdict

KILLS_IN_A_ROUND = 10
_KINDS = ("step", "keeper", "run", "code server", "daemon")
_ODDS = (4, 2, 3, 1, 2)
_LAST_START = 0.6  # of the seconds: a round that began is played to its end
_UNDER_WAY = ("REQUESTED", "CANCELING", "FAILING")


def main() -> None:
    folder, seconds = Path(sys.argv[1]).absolute(), float(sys.argv[2]) if len(sys.argv) > 2 else 200.0
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the daemon and its runs are ended too
    arena = Arena(folder)
    arena.prepare()
    arena.make_home()
    with arena.daemon() as daemon, arena.instance() as instance:
        while time.monotonic() - began < seconds * _LAST_START:
            number = len(tally(folder))
            row = play(arena, instance, daemon, number, began + seconds)
            with (folder / "tally.jsonl").open("a") as file:
                file.write(json.dumps(row) + "\n")
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()
    report(tally(folder))


def tally(folder: Path) -> list[dict[str, Any]]:
    """One row for each round played so far."""
    path = folder / "tally.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def report(rows: list[dict[str, Any]]) -> None:
    kills: Counter[str] = Counter()
    for row in rows:
        kills.update(row["kills"])
    wrong = [fault for row in rows for fault in row["wrong"]]
    succeeded, again = (sum(row[name] for row in rows) for name in ("steps", "started_again"))
    sys.stdout.write(
        f"{len(rows)} rounds, {sum(row['training'] for row in rows)} of them with trainings, "
        f"{sum(row['seconds'] for row in rows):.0f} s\n"
        f"{kills.total()} kills: {', '.join(f'{kind} {count}' for kind, count in kills.most_common())}\n"
        f"asked again {sum(row['asked_again'] for row in rows)} times\n"
        f"steps: {succeeded} succeeded, {again} started again\n"
        f"wrong: {wrong or 'nothing'}\n"
    )


def play(arena: Arena, instance: dg.DagsterInstance, daemon: Daemon, number: int, until: float) -> dict[str, Any]:
    """One round: from an empty output folder to everything made; nothing is killed any more after ``until``."""
    began, training, chance = time.time(), number % 2 == 1, random.Random(number)
    shutil.rmtree(arena.output, ignore_errors=True)
    kills: Counter[str] = Counter()
    hit: Counter[str] = Counter()
    asked = -1
    while not arena.is_complete():
        asked += 1
        backfill = arena.ask()
        while _is_under_way(instance, backfill) or arena.is_busy(instance):
            _fire(arena, instance, daemon, chance, kills, hit, until)
    while training and not arena.is_trained():
        asked += 1
        arena.train()
        while arena.is_busy(instance):
            _fire(arena, instance, daemon, chance, kills, hit, until)
    found = verdict(arena, instance, began, hit, training=training)
    return {
        "round": number,
        "training": training,
        "kills": dict(kills),
        "asked_again": asked - training,
        "steps": found.steps,
        "started_again": found.started_again,
        "seconds": round(time.time() - began, 1),
        "wrong": found.wrong,
    }


def _is_under_way(instance: dg.DagsterInstance, backfill: str) -> bool:
    asked = instance.get_backfill(backfill)
    return asked is not None and asked.status.value in _UNDER_WAY


def _fire(
    arena: Arena,
    instance: dg.DagsterInstance,
    daemon: Daemon,
    chance: random.Random,
    kills: Counter[str],
    hit: Counter[str],
    until: float,
) -> None:
    """Wait a little, and kill something if the round's kills are not used up and there is such a thing."""
    time.sleep(chance.uniform(0.5, 3.0))
    (kind,) = chance.choices(_KINDS, _ODDS)
    victims = arena.victims(kind)
    used_up = kills.total() >= KILLS_IN_A_ROUND or time.monotonic() > until
    if used_up or not victims or not arena.victims("run"):
        return
    victim = chance.choice(victims)
    steps = arena.names(instance, victim)
    if not victim.kill():
        return
    kills[kind] += 1
    hit.update(steps)
    if kind == "daemon":
        daemon.restart()


if __name__ == "__main__":
    main()
