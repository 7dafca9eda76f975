"""Where the random numbers of a training begin anew."""

from __future__ import annotations

import numpy as np


def step_seed(seed: int, step: int, process: int) -> int:
    """64 bits for one step in one process, unlike those of its neighbours: a step draws (dropout) by its number alone,
    so that a resumed training draws what an uninterrupted one would have drawn.
    """
    return int(np.random.SeedSequence((seed, step, process)).generate_state(1, np.uint64)[0])
