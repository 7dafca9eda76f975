"""What the kills have come to: the round under way, and a row for each that is over, kept between calls."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Found:
    """What a round came to: steps that succeeded, starts beyond the first of each, and all that should not be."""

    steps: int
    started_again: int
    wrong: list[str]


@dataclass
class Round:
    """A round under way; every change of it is kept at once.

    Attributes:
        began: seconds since the epoch.
        asked: how often the backfill, or the training, was asked for.
        kills: by the kind of process.
        hit: how many kills met each ``partition step``.
    """

    file: Path
    number: int
    began: float = field(default_factory=time.time)
    asked: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    hit: Counter[str] = field(default_factory=Counter)

    @property
    def training(self) -> bool:
        return self.number % 2 == 1

    def ask(self) -> None:
        self.asked += 1
        self.save()

    def add(self, kind: str, steps: Iterable[str]) -> None:
        """A kill, and the steps that it met."""
        sys.stderr.write(f"{time.strftime('%X')} round {self.number}, {kind}: {', '.join(steps)}\n")
        self.kills[kind] += 1
        self.hit.update(steps)
        self.save()

    def row(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "file"}

    def save(self) -> None:
        self.file.write_text(json.dumps(self.row()))


class Tally:
    """All of it, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._rounds, self._current = folder / "tally.jsonl", folder / "round.json"

    def current(self) -> Round | None:
        """The round under way, if one is."""
        if not self._current.exists():
            return None
        fields: dict[str, Any] = json.loads(self._current.read_text())
        counters = {name: Counter(fields.pop(name)) for name in ("kills", "hit")}
        return Round(self._current, **fields, **counters)

    def begin(self) -> Round:
        begun = Round(self._current, len(self._rows()))
        begun.save()
        return begun

    def close(self, current: Round, found: Found) -> None:
        """A row for a round that is over."""
        row = {**current.row(), **vars(found), "seconds": round(time.time() - current.began)}
        with self._rounds.open("a") as file:
            file.write(json.dumps(row) + "\n")
        self._current.unlink()
        sys.stderr.write(f"round {current.number}: {current.kills.total()} kills, wrong: {found.wrong or 'nothing'}\n")

    def report(self) -> str:
        rows = self._rows()
        kills: Counter[str] = Counter()
        for row in rows:
            kills.update(row["kills"])
        steps, again, asked = (sum(row[name] for row in rows) for name in ("steps", "started_again", "asked"))
        open_round = self.current()
        return (
            f"{len(rows)} rounds, {len(rows) // 2} of them of trainings; asked for {asked} times\n"
            f"{kills.total()} kills: {', '.join(f'{kind} {count}' for kind, count in kills.most_common())}; "
            f"{open_round.kills.total() if open_round else 0} more in a round under way\n"
            f"steps: {steps} succeeded, {again} started again\n"
            f"wrong: {[fault for row in rows for fault in row['wrong']] or 'nothing'}\n"
        )

    def _rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._rounds.read_text().splitlines()] if self._rounds.exists() else []
