"""Deferred tasks: those that wait until their provider may be asked again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, exists, update

from stockjobs.domain.work.states import State
from stockjobs.errors import HeldBack, ProviderDown, RateLimited
from stockjobs.store import tables
from stockjobs.store.statements import in_order, word

_tasks, _attempts = tables.tasks, tables.attempts
_KINDS = tuple(one.kind for one in (RateLimited, HeldBack, ProviderDown))


def let_go(connection: Connection, provider: str, now: datetime) -> int:
    """Let the tasks that were deferred for a provider begin now. Returns how many.

    Those that wait after an attempt that failed are left alone, as are those in another's hand.
    """
    was_deferred = exists().where(
        _attempts.c.task_id == _tasks.c.id,
        _attempts.c.number == _tasks.c.number - 1,
        _attempts.c.state == State.DEFERRED.value,
    )
    waiting = (
        _tasks.c.state == word(State.SCHEDULED),
        _tasks.c.run_at > now,
        _tasks.c.provider == provider,
        _tasks.c.error_kind.in_(_KINDS),
        was_deferred,
    )
    statement = update(_tasks).where(*in_order(connection, _tasks, waiting, passing_over=True))
    return connection.execute(statement.values(run_at=now)).rowcount
