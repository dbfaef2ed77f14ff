"""One owner for a folder, known by its process id."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from stockjobs.errors import Conflict

_PAUSE = 0.02


def locked(path: Path, patience: float) -> int:
    """Lock the file and write our process id into it; returns its descriptor, whose end is the lock's.

    Children that inherit the descriptor hold the lock as well. Waits up to `patience` seconds for what a dead owner
    left behind; raises Conflict where the owner lives, or nothing ends.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError:
            owner = _read_pid(path)
            # A server whose owner was just killed is still writing its data: that takes a moment.
            if _is_alive(owner) or time.monotonic() > deadline:
                os.close(descriptor)
                raise _in_use(path, owner) from None
        time.sleep(_PAUSE)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _in_use(path: Path, owner: int | None) -> Conflict:
    holder = f"process {owner}" if _is_alive(owner) else f"a server whose owner, process {owner}, is gone"
    return Conflict(f"{path.parent} is in use by {holder}; stop it, or choose another state folder")


def _read_pid(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _is_alive(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
