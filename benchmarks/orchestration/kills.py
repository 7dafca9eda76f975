"""Random kills over a demo backfill: ``python -m benchmarks.orchestration.kills FOLDER [SECONDS]``.

A small share with faults is backfilled through a real daemon, again and again into an empty output folder, while this
process kills -9 steps, processes of their pools, keepers, run workers, code servers and the daemon itself, at random
moments at which some step is under way. A killed daemon is started anew as ``make ui`` does it, by the reaper first; a
backfill that ended without everything made is asked for again, as its user would. Every second round trains both models
a few steps on what the round before made, under the same fire. After each round:

- every artifact is byte for byte that of an undisturbed run (of weights: every tensor);
- no lease, no slot of the pool and no process is left behind, and no run counts as under way;
- nothing was made twice, and no step started more often than it was asked for and again for each kill that met it.

FOLDER keeps share, reference, tally and the round under way. A call lasts SECONDS (200); where it ends in the midst of
a round, everything is killed at once, as when the machine goes down, and the next call goes on from there.
"""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from pathlib import Path

import dagster as dg

from benchmarks.orchestration.kills_arena import Arena, Daemon
from benchmarks.orchestration.kills_tally import Round, Tally
from benchmarks.orchestration.kills_verdict import verdict

KILLS_IN_A_ROUND = 16
_ODDS = {"step": 4, "worker": 2, "keeper": 2, "run": 3, "code server": 1, "daemon": 2}


def main() -> None:
    folder, seconds = Path(sys.argv[1]).absolute(), int(sys.argv[2]) if len(sys.argv) > 2 else 200
    over = threading.Event()
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    signal.alarm(seconds)
    arena, tally = Arena(folder), Tally(folder)
    arena.prepare()
    with arena.instance() as instance, arena.daemon() as daemon:
        while not over.is_set():
            current = tally.current() or _begin(arena, tally)
            if play(arena, instance, daemon, current, over):
                tally.close(current, verdict(arena, instance, current))
            else:
                current.add("everything", arena.names(instance, arena.fall()))
    sys.stdout.write(tally.report())


def _begin(arena: Arena, tally: Tally) -> Round:
    begun = tally.begin()
    arena.clear(training=begun.training)
    return begun


def play(arena: Arena, instance: dg.DagsterInstance, daemon: Daemon, current: Round, over: threading.Event) -> bool:
    """One round: from an empty output folder, or from data without trainings, to everything made.

    Args:
        over: set when the call has to end.

    Returns:
        Whether the round came to its end.
    """
    is_made, ask = (arena.is_trained, arena.train) if current.training else (arena.is_complete, arena.ask)
    chance = random.Random()
    while arena.is_busy(instance) or not is_made():
        if over.is_set():
            return False
        if not arena.is_busy(instance):
            current.ask()
            ask()
        time.sleep(chance.uniform(0.5, 3.0))
        if current.kills.total() < KILLS_IN_A_ROUND and arena.victims("step"):
            _fire(arena, instance, daemon, current, chance)
    return True


def _fire(arena: Arena, instance: dg.DagsterInstance, daemon: Daemon, current: Round, chance: random.Random) -> None:
    """Kill something, if there is one of the kind that chance has chosen."""
    (kind,) = chance.choices(list(_ODDS), list(_ODDS.values()))
    if not (victims := arena.victims(kind)):
        return
    victim = chance.choice(victims)
    steps = arena.names(instance, victim.steps)
    if victim.kill():
        current.add(kind, steps)
        if kind == "daemon":
            daemon.restart()


if __name__ == "__main__":
    main()
