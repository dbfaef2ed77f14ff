"""Who holds the bars at this moment, for somebody who wants them alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy import exc as sql

from stockjobs.errors import Busy

_MOST = 3
_HOLDERS = text("""
    SELECT DISTINCT ON (xact_start, pid) pid, format('process %s (%s)', pid, concat_ws(', ', 'user ' || usename,
        nullif(application_name, ''), host(client_addr), state,
        format('for %s s', round(extract(epoch FROM clock_timestamp() - xact_start))))) AS told
    FROM pg_locks JOIN pg_stat_activity AS one USING (pid) JOIN pg_class ON pg_class.oid = relation
    WHERE granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
      AND (pg_class.oid IN ('bars'::regclass, 'symbol_bars'::regclass)
           OR pg_class.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'bars'::regclass))
    ORDER BY xact_start, pid""")
"""Those with locks on the bars, oldest transaction first."""


@contextmanager
def waited_for(connection: Connection) -> Iterator[None]:
    """Take locks on the bars inside; raises Busy, naming who holds them, where that takes longer than `lock_timeout`.

    It begins as the user who is connected: become the owner inside.
    Whoever comes meanwhile waits behind this, so `lock_timeout` is to be short: a reader may take hours.
    """
    before = _holders(connection)
    try:
        with connection.begin_nested():
            yield
    except sql.OperationalError as error:
        if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise
        raise Busy(_told(before, _holders(connection))) from error


def _holders(connection: Connection) -> dict[int, str]:
    # An owner that this goes on as may see less of the others than who is connected.
    connection.execute(text("SET LOCAL ROLE NONE"))
    return {row.pid: row.told for row in connection.execute(_HOLDERS)}


def _told(before: dict[int, str], after: dict[int, str]) -> str:
    """What to do about those who held the bars all the time; others came only behind us."""
    found = {pid: told for pid, told in after.items() if pid in before} or after
    if not found:
        return "Somebody else held the bars until this moment. Nothing was changed: try again."
    return f"{_names(list(found.values()))} held the bars all the time. Nothing was changed: {_advice(list(found))}."


def _names(found: Sequence[str]) -> str:
    more = [f"{len(found) - _MOST} more"] if len(found) > _MOST else []
    return ", ".join([*found[:_MOST], *more])


def _advice(pids: Sequence[int]) -> str:
    first = f"SELECT pg_terminate_backend({pids[0]})"
    return f"let reading and exports end, or end them (`{first}` in the database), and try again"
