"""No fork while another thread of the worker's main process is at the database.

A child has only the thread that forked it. A lock that another one held at that moment (of SQLite, of the resolver, of a
module that was being imported) is held in the child for ever, and the child hangs before it takes its first task. So the
other threads of the main process enter `between_forks` for what they do, and a fork waits for them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST_WAIT_S = 15.0
"""A database that is away must not keep the pool from its children for longer; the risk is then taken."""


class _Gate:
    """Lets through either a fork or the other threads."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._is_held = False

    def close(self) -> None:
        self._is_held = self.lock.acquire(timeout=_LONGEST_WAIT_S)

    def open(self) -> None:
        if self._is_held:
            self.lock.release()

    def renew(self) -> None:
        self.lock, self._is_held = threading.RLock(), False


_gate = _Gate()
os.register_at_fork(before=_gate.close, after_in_parent=_gate.open, after_in_child=_gate.renew)


@contextmanager
def between_forks() -> Iterator[None]:
    """Do what is inside while this process does not fork."""
    with _gate.lock:
        yield
