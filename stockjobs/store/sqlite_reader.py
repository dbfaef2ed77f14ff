"""A program that reads one SQLite file: statements in on stdin, columns out on stdout.

Each line of stdin is a statement as JSON; the answer is the line `READY` and an Arrow stream, or a line with what is wrong, as
JSON. It ends when stdin does, so also when whoever started it is no more. It imports nothing of stockjobs.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import BinaryIO

import adbc_driver_manager as adbc
import adbc_driver_sqlite
import pyarrow as pa

READY = b"\n"
_BUSY_TIMEOUT_MS = 30_000
_ROWS = "65536"


def main() -> None:
    """Answer until stdin ends; the file's URI is the argument."""
    # Who started it was told to stop, and says when it is over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = sys.stdout.buffer
    try:
        with adbc_driver_sqlite.connect(f"{sys.argv[1]}?mode=rw") as database, adbc.AdbcConnection(database) as reader:
            _answer(reader, f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}", None)
            for line in sys.stdin.buffer:
                _answer(reader, json.loads(line), answers)
    except adbc.Error as error:
        answers.write(_told(error))
    except BrokenPipeError:
        # Nobody wants the rest; what is buffered must not be flushed at exit.
        sys.stdout = None


def _answer(reader: adbc.AdbcConnection, statement: str, answers: BinaryIO | None) -> None:
    with adbc.AdbcStatement(reader) as asked:
        asked.set_options(**{adbc_driver_sqlite.StatementOptions.BATCH_ROWS.value: _ROWS})
        asked.set_sql_query(statement)
        try:
            stream, _ = asked.execute_query()
            found = pa.RecordBatchReader._import_from_c(stream.address)
        except adbc.Error as error:
            if answers is None:
                raise
            answers.write(_told(error))
            answers.flush()
            return
        if answers is None:
            found.read_all()
            return
        answers.write(READY)
        with pa.ipc.new_stream(answers, found.schema) as writer:
            for batch in found:
                writer.write_batch(batch)
        answers.flush()


def _told(error: adbc.Error) -> bytes:
    return json.dumps(str(error).strip().partition("\n")[0]).encode() + b"\n"


if __name__ == "__main__":
    main()
