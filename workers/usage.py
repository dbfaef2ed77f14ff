"""What a worker uses of its machine: memory and processors, its children included."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import psutil


@dataclass(frozen=True)
class Usage:
    """The bytes that are resident, and the mean number of processors in use since the look before; None if nobody tells."""

    memory: int | None
    cpu: float | None


class Meter:
    """Looks at what processes use, again and again. Memory that they share counts in each."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked_at: float | None = None
        self._spent: dict[int, float] = {}

    def look(self, pids: Iterable[int]) -> Usage:
        """What these processes use together. A process that has gone is left out, a new one counts from its start."""
        memory, spent = 0, {}
        for pid in pids:
            try:
                process = psutil.Process(pid)
                memory += process.memory_info().rss
                times = process.cpu_times()
            except psutil.Error:
                # It has ended meanwhile, or the system does not let us see it.
                continue
            spent[pid] = times.user + times.system
        return Usage(memory or None, self._processors(spent))

    def _processors(self, spent: dict[int, float]) -> float | None:
        now, before = self._clock(), self._looked_at
        used = sum(seconds - self._spent.get(pid, 0.0) for pid, seconds in spent.items())
        self._looked_at, self._spent = now, spent
        # The first look has nothing to compare with: what was spent until then is that of the start.
        return max(used, 0.0) / (now - before) if before is not None and spent and now > before else None


def children_of(pool: Any) -> list[int]:
    """The processes of a pool of Celery's; none where it works in threads."""
    info = pool.info or {}
    return [pid for pid in info.get("processes", ()) if pid]
