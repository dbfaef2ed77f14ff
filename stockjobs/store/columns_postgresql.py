"""Columns from PostgreSQL: binary COPY, read into Arrow by ADBC's driver (https://arrow.apache.org/adbc/)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import adbc_driver_manager as adbc
import adbc_driver_postgresql
import pyarrow as pa

from stockjobs.errors import Unreachable

_IN_ORDER = ("enable_sort", "enable_bitmapscan", "enable_seqscan")
"""What the planner is to avoid where rows are streamed in the order of an index: a sort would hold them all first."""
_LOCK_TIMEOUT, _NO_TABLE = "55P03", "42P01"
_LOCK = "LOCK TABLE bars IN ACCESS SHARE MODE"
"""With all that it consists of, such as the chunks of a hypertable, which are emptied when they are compressed."""
_LOCK_PARTITIONED = "LOCK TABLE ONLY bars, ONLY bars_rest IN ACCESS SHARE MODE"
"""One lock a partition would cost more than a short answer: nothing leaves a partition but the default one."""


class Server:
    """One connection. `shown` names the database in errors, without its password."""

    def __init__(self, conninfo: str, shown: str) -> None:
        self._shown = shown
        self._lock = ""
        with self._translated():
            self._database = adbc_driver_postgresql.connect(conninfo)
            try:
                self._connection = adbc.AdbcConnection(self._database)
            except BaseException:
                self._database.close()
                raise

    def begin(self, *, in_order: bool) -> None:
        """Begin a transaction that sees one state of the data. Waits while the bars are moved. Raises Unreachable."""
        while not self._has_begun():
            # Who asks is heard in between: Ctrl-C.
            continue
        for name in _IN_ORDER if in_order else ():
            self._run(f"SET LOCAL {name} = off")

    def batches(self, statement: str) -> Iterator[pa.RecordBatch]:
        """The answer to a statement."""
        with self._translated(), adbc.AdbcStatement(self._connection) as asked:
            asked.set_sql_query(statement)
            stream, _ = asked.execute_query()
            reader = pa.RecordBatchReader._import_from_c(stream.address)
            while (batch := self._next(reader)) is not None:
                yield batch

    def end(self) -> None:
        """End the transaction."""
        self._run("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
        self._database.close()

    def _has_begun(self) -> bool:
        self._lock = self._lock or self._fitting_lock()
        self._run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            # Before the first look at anything: one from before the bars were moved would show none in their new table.
            self._run(self._lock)
        except Unreachable as error:
            state = getattr(error.__cause__, "sqlstate", None)
            has_moved = state == _NO_TABLE and self._lock == _LOCK_PARTITIONED
            if state != _LOCK_TIMEOUT and not has_moved:
                raise
            self._lock = "" if has_moved else self._lock
            self._run("ROLLBACK")
            return False
        return True

    def _fitting_lock(self) -> str:
        found = self.batches("SELECT to_regclass('bars_rest') IS NOT NULL AS is_partitioned")
        is_partitioned = any(batch["is_partitioned"][0].as_py() for batch in found)
        return _LOCK_PARTITIONED if is_partitioned else _LOCK

    def _run(self, statement: str) -> None:
        with self._translated(), adbc.AdbcStatement(self._connection) as asked:
            asked.set_sql_query(statement)
            asked.execute_update()

    def _next(self, reader: pa.RecordBatchReader) -> pa.RecordBatch | None:
        with self._translated():
            try:
                return reader.read_next_batch()
            except StopIteration:
                return None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (adbc.Error, pa.ArrowException, OSError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise Unreachable(f"database {self._shown}: {reason}") from error
