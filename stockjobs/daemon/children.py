"""Child processes that die with us, and that we stop in order."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def dies_with_parent() -> Callable[[], None] | None:
    """What a child does before it runs its program: ask for SIGTERM when the thread that started it ends. Linux only."""
    if not sys.platform.startswith("linux"):
        return None
    # Looked up before the fork, where only what cannot wait for a lock is safe.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_for_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask_for_signal


def stop(process: subprocess.Popen[bytes], patience: float) -> None:
    """Ask a child to stop, and kill it if it has not after `patience` seconds."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
