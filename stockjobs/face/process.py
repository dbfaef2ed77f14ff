"""What a process has one of: the container, made at the first call, and the user that it runs for."""

from __future__ import annotations

import getpass
import os
from functools import cache

from stockjobs.bootstrap import Container


@cache
def _container_of(_pid: int) -> Container:
    return Container()


def container() -> Container:
    """The container of this process, also after a fork."""
    return _container_of(os.getpid())


def user() -> str:
    """Who asks, for the ledger."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
