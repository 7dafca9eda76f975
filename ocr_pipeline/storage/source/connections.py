"""Connections to a server that the threads of a process take in turns, as many as the server admits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Connection = TypeVar("Connection")

_PATIENCE = 120.0
"""Seconds that a thread waits for the connection of another where the server admits no more."""


class Connections(Generic[Connection]):
    """Opens a connection where none lies idle; safe with threads.

    Args:
        opening: gives a new connection; closing: ends one, whatever its state.
        refusals: what it raises where the server answers and says no: while others are in use, it has enough of them.
    """

    def __init__(
        self,
        opening: Callable[[], Connection],
        closing: Callable[[Connection], None],
        refusals: tuple[type[Exception], ...],
    ) -> None:
        self._opening, self._closing, self._refusals = opening, closing, refusals
        self._idle: list[Connection] = []
        self._in_use = 0
        self._returned = threading.Condition()

    @contextmanager
    def one(self) -> Iterator[Connection]:
        """A connection for one request. After an error none that is idle is kept: what broke one may have broken all.

        That a file is not there is no such error.
        """
        connection = self._idle_one() or self._new_one()
        is_sound = False
        try:
            yield connection
            is_sound = True
        except FileNotFoundError:
            is_sound = True
            raise
        finally:
            self._give_back(connection, is_sound)

    def _give_back(self, connection: Connection, is_sound: bool) -> None:
        with self._returned:
            idle = [*self._idle, connection]
            self._idle = idle if is_sound else []
            if not is_sound:
                for each in idle:
                    self._closing(each)
            self._in_use -= 1
            self._returned.notify_all()

    def _idle_one(self) -> Connection | None:
        with self._returned:
            if not self._idle:
                return None
            self._in_use += 1
            return self._idle.pop()

    def _new_one(self) -> Connection:
        try:
            connection = self._opening()
        except self._refusals:
            if (another := self._next_one()) is None:
                raise
            return another
        with self._returned:
            self._in_use += 1
        return connection

    def _next_one(self) -> Connection | None:
        """What another thread gives back; None if none has any, or it takes too long."""
        with self._returned:
            self._returned.wait_for(lambda: self._idle or not self._in_use, _PATIENCE)
        return self._idle_one()
