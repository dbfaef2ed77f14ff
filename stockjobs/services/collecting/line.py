"""The order in which the threads of an attempt stand in the fleet's queue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOK_EVERY_S = 0.1


class Line:
    """Lets one thread at a time stand in the fleet's queue: else a wide attempt would be its own crowd.

    The thread that came first has the first turn each time, so that where there is little to have, symbols are finished one
    after the other rather than all begun.
    """

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._ranks: dict[int, int] = {}
        self._waiting: list[int] = []
        self._is_taken = False

    @contextmanager
    def turn(self, check: Callable[[], None]) -> Iterator[None]:
        """A block for one thread; `check` is called while it waits, and what it raises ends the wait."""
        with self._change:
            self._take(self._ranks.setdefault(threading.get_ident(), len(self._ranks)), check)
        try:
            yield
        finally:
            with self._change:
                self._is_taken = False
                self._change.notify_all()

    def _take(self, rank: int, check: Callable[[], None]) -> None:
        self._waiting.append(rank)
        try:
            check()
            while self._is_taken or rank != min(self._waiting):
                self._change.wait(_LOOK_EVERY_S)
                check()
            self._is_taken = True
        finally:
            self._waiting.remove(rank)
            self._change.notify_all()
