"""Keeping a set of programs running: each in a process of its own, restarted with backoff, stopped in reverse order."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stockjobs.daemon import children

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0
_WELL_AFTER = 60.0


@dataclass(frozen=True)
class Program:
    """A command to keep running. `patience` is how many seconds it gets to stop by itself."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    patience: float = 20.0


@dataclass
class _Running:
    program: Program
    process: subprocess.Popen[bytes]
    started: float
    wait: float = _FIRST_WAIT
    restart_at: float | None = None


class Supervisor:
    """Runs programs whose output goes to one log file each, and starts again what ends by itself."""

    def __init__(self, log_dir: Path, tell: Callable[[str], None]) -> None:
        self._log_dir = log_dir
        self._tell = tell
        self._running: list[_Running] = []

    def start(self, program: Program) -> None:
        """Start a program; those started later are stopped first."""
        self._log_dir.mkdir(parents=True, exist_ok=True)
        self._running.append(_Running(program, self._spawn(program), time.monotonic()))

    def look_after(self) -> None:
        """Start again what has ended and has waited long enough; to be called every so often."""
        now = time.monotonic()
        for one in self._running:
            code = one.process.poll()
            if code is None:
                if now - one.started > _WELL_AFTER:
                    one.wait = _FIRST_WAIT
            elif one.restart_at is None:
                one.restart_at = now + one.wait
                log = self.log_of(one.program.name)
                self._tell(
                    f"{one.program.name} ended with code {code}; it is started again in {one.wait:.0f} s (see {log})"
                )
            elif now >= one.restart_at:
                one.process, one.started, one.restart_at = self._spawn(one.program), now, None
                one.wait = min(one.wait * 2, _LONGEST_WAIT)

    def stop(self) -> None:
        """Stop everything, the last started first."""
        while self._running:
            one = self._running.pop()
            if one.process.poll() is None:
                children.stop(one.process, one.program.patience)

    def pids(self) -> dict[str, int]:
        """The process ids of the programs."""
        return {one.program.name: one.process.pid for one in self._running}

    def log_of(self, name: str) -> Path:
        """The file with a program's output."""
        return self._log_dir / f"{name}.log"

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        with self.log_of(program.name).open("ab") as log:
            return subprocess.Popen(
                program.command,
                env={**os.environ, **program.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=children.dies_with_parent(),  # noqa: PLW1509 - one system call, no lock is taken
                # Ctrl-C on a terminal reaches the supervisor alone, which stops its programs in the right order.
                start_new_session=True,
            )
