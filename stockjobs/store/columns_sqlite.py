"""Columns from SQLite: ADBC's driver in a process of its own, whose answers come through a pipe.

The driver brings its own copy of SQLite, and two copies in one process break each other's locks on a file: POSIX drops all locks
of a process when it closes any descriptor of the file (https://www.sqlite.org/howtocorrupt.html, "Multiple copies of SQLite").
"""

from __future__ import annotations

import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import orjson
import pyarrow as pa

from stockjobs.errors import Unreachable
from stockjobs.store import sqlite_reader

_END_S = 5


class Reader:
    """The process that reads one file. `shown` names the database in errors."""

    def __init__(self, path: str, shown: str) -> None:
        self._shown = shown
        # By its path and with -P, so that it loads nothing of ours and nothing that lies beside it.
        program = [sys.executable, "-P", str(sqlite_reader.__file__), Path(path).absolute().as_uri()]
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(program, stdin=pipe, stdout=pipe, start_new_session=True)
        except OSError as error:
            raise Unreachable(f"database {shown}: its reader cannot be started: {error}") from error
        # Also when nobody closes it before the program ends.
        self._close = weakref.finalize(self, _end, self._process)

    def begin(self, *, in_order: bool) -> None:  # noqa: ARG002 - SQLite's table is in the order of its key
        """Begin a transaction that sees one state of the data. Raises Unreachable."""
        self._run("BEGIN")

    def batches(self, statement: str) -> Iterator[pa.RecordBatch]:
        """The answer to a statement."""
        self._ask(statement)
        try:
            with pa.ipc.open_stream(self._process.stdout) as stream:
                yield from stream
        except (pa.ArrowException, OSError) as error:
            raise Unreachable(f"database {self._shown}: its reader ended in mid-answer: {error}") from error

    def end(self) -> None:
        """End the transaction."""
        self._run("COMMIT")

    def close(self) -> None:
        """End the process."""
        self._close()

    def _run(self, statement: str) -> None:
        for _ in self.batches(statement):
            pass

    def _ask(self, statement: str) -> None:
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        try:
            asked.write(orjson.dumps(statement) + b"\n")
            asked.flush()
            status = answers.readline()
        except OSError as error:
            raise Unreachable(f"database {self._shown}: its reader is gone: {error}") from error
        if status != sqlite_reader.READY:
            reason = orjson.loads(status) if status else "its reader is gone"
            raise Unreachable(f"database {self._shown}: {reason}")


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
