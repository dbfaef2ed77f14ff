"""How much memory a worker has resident, as Linux tells it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def resident(pids: Iterable[int], proc: Path = Path("/proc")) -> int | None:
    """The bytes that these processes have resident together; memory that they share counts in each. None if nobody tells.

    Source: proc(5), the second number of `statm`, in pages.
    """
    sizes = [size for pid in pids if (size := _pages(proc / str(pid) / "statm")) is not None]
    return sum(sizes) * os.sysconf("SC_PAGE_SIZE") if sizes else None


def children_of(pool: Any) -> list[int]:
    """The processes of a pool of Celery's; none where it works in threads."""
    info = pool.info or {}
    return [pid for pid in info.get("processes", ()) if pid]


def _pages(statm: Path) -> int | None:
    try:
        return int(statm.read_text().split()[1])
    except (OSError, ValueError, IndexError):
        # The process has gone meanwhile, or this is no Linux.
        return None
