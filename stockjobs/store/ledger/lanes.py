"""The lanes in the ledger: which pending tasks are next, and which of them Redis has been told about.

Nothing here stores a lane: midnight UTC divides the pending tasks into the two. Only the queue that a message went to is noted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, TextClause, func, select, tuple_, update

from stockjobs.domain import ids
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.knocks import Knock
from stockjobs.domain.work.lanes import Lane, Priority, midnight, rank
from stockjobs.domain.work.states import State
from stockjobs.store import tables
from stockjobs.store.statements import in_order, is_set, is_unset, word

_tasks = tables.tasks
_NEEDED = ("id", "occurrence_id", "number", "about", "created_at", "priority", "symbols", "interval_s")


@dataclass(frozen=True)
class LaneCount:
    """How much work of a lane waits in the ledger: pending (no message yet), offered (a message is out), running.

    What is held, because its job is paused or at its cap, is counted apart.
    """

    lane: Lane
    pending: int
    offered: int
    running: int
    held: int


def pending(
    connection: Connection, lane: Lane, now: datetime, limit: int, rooms: Mapping[str, int] | None = None
) -> Sequence[UUID]:
    """The ids of the next pending tasks of a lane, in the order in which they are to be worked off.

    Each priority of each provider is asked for on its own, so that the partial index gives the rows in order and the
    bound at midnight ends the walk; the next priority is asked only if the one above it did not suffice. On PostgreSQL
    rows in the hand of another dispatcher are passed over. `rooms` says how many of each provider at the most.
    """
    search = _Search(connection, lane, limit, rooms)
    for priority in sorted(Priority, reverse=True):
        search.take([(one, pending_query(lane, one, priority, now, search.asks(one))) for one in search.providers])
    return search.found


class _Search:
    """The tasks that were found for a lane so far, and how many more may be taken of each provider."""

    def __init__(self, connection: Connection, lane: Lane, limit: int, rooms: Mapping[str, int] | None) -> None:
        providers = waiting_providers(connection)
        self.found: list[UUID] = []
        self._rooms = dict.fromkeys(providers, limit) if rooms is None else dict(rooms)
        self._connection, self._lane, self._limit = connection, lane, limit
        self._providers = providers

    @property
    def providers(self) -> Sequence[str]:
        """The providers of which more may be taken."""
        return [name for name in self._providers if self.asks(name) > 0]

    def asks(self, provider: str) -> int:
        """How many more may be taken of a provider."""
        return min(self._limit - len(self.found), self._rooms.get(provider, 0))

    def take(self, heads: Sequence[tuple[str, Select[*tuple[Any, ...]]]]) -> None:
        """Take the first of several sorted lists, one a provider, in the lane's order."""
        lists = [
            [(row.about, row.created_at, row.id, provider) for row in self._connection.execute(_passing_over(head))]
            for provider, head in heads
        ]
        merged = merge(*lists, key=lambda row: row[:2], reverse=self._lane is Lane.REALTIME)
        for _, _, task, provider in islice(merged, self._limit - len(self.found)):
            self.found.append(task)
            self._rooms[provider] -= 1


def _passing_over(head: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return head.with_for_update(skip_locked=True)


def has_pending(connection: Connection, lane: Lane, provider: str, now: datetime) -> bool:
    """True if a pending task of a provider waits for a lane; one probe of the index for each priority."""
    probes = (pending_query(lane, provider, priority, now, 1) for priority in Priority)
    return any(connection.execute(probe).first() is not None for probe in probes)


def waiting_providers(connection: Connection) -> Sequence[str]:
    """The providers that pending tasks wait for; one probe of the index for each."""
    found: list[str] = []
    while True:
        query = select(func.min(_tasks.c.provider)).where(*_is_pending())
        name = connection.execute(query.where(_tasks.c.provider > found[-1]) if found else query).scalar()
        if name is None:
            return found
        found.append(name)


def pending_query(lane: Lane, provider: str, priority: Priority, now: datetime, limit: int) -> Select[*tuple[Any, ...]]:
    """The query for one lane, provider and priority; ix_tasks_pending alone serves it, read in one direction or the other."""
    query = select(_tasks.c.id, _tasks.c.about, _tasks.c.created_at).where(
        *_is_pending(), _tasks.c.provider == provider, _tasks.c.priority == int(priority)
    )
    if lane is Lane.REALTIME:
        query = query.where(_tasks.c.about >= midnight(now))
        return query.order_by(_tasks.c.about.desc(), _tasks.c.created_at.desc()).limit(limit)
    query = query.where(_tasks.c.about < midnight(now))
    return query.order_by(_tasks.c.about, _tasks.c.created_at).limit(limit)


def offer(connection: Connection, lane: Lane, chosen: Sequence[UUID], now: datetime) -> Sequence[Knock]:
    """Note that messages about these tasks are sent to a lane, and make the messages."""
    if not chosen:
        return []
    statement = (
        update(_tasks)
        .where(_tasks.c.id.in_(chosen), *_is_pending())
        .values(offered_at=now, offered_lane=lane.value)
        .returning(*(_tasks.c[name] for name in _NEEDED))
    )
    rows = connection.execute(statement).mappings().all()
    names = _job_names(connection, {row["occurrence_id"] for row in rows})
    return sorted(
        (_knock(row, lane, names[row["occurrence_id"]]) for row in rows), key=lambda knock: knock.rank, reverse=True
    )


def _job_names(connection: Connection, occurrences: Collection[UUID]) -> dict[UUID, str]:
    query = (
        select(tables.occurrences.c.id, tables.jobs.c.name)
        .join(tables.jobs, tables.jobs.c.id == tables.occurrences.c.job_id)
        .where(tables.occurrences.c.id.in_(occurrences))
    )
    return dict(connection.execute(query).all())


def _knock(row: object, lane: Lane, job: str) -> Knock:
    task = dict(row)  # type: ignore[call-overload]
    return Knock(
        task_id=task["id"],
        attempt_id=ids.attempt_id(task["id"], task["number"]),
        number=task["number"],
        lane=lane,
        rank=rank(lane, Priority(task["priority"]), task["about"], task["created_at"]),
        job=job,
        subject=_subject(task["symbols"], task["interval_s"]),
    )


def _subject(symbols: Sequence[str], interval_s: int | None) -> str:
    shown = ",".join(symbols[:3]) + (f",… ({len(symbols)})" if len(symbols) > 3 else "")
    return f"{shown} {Interval.from_seconds(interval_s) if interval_s else 'fundamentals'}"


@dataclass(frozen=True)
class Offered:
    """What is out in a lane: how many messages, and the (priority, about) of the one that comes last."""

    count: int
    worst: tuple[int, datetime] | None


def offered(connection: Connection, lane: Lane) -> Offered:
    """How many messages of a lane are out, and how far down the lane they reach."""
    conditions = (*_is_out(), _tasks.c.offered_lane == lane.value)
    place = (_tasks.c.priority, _tasks.c.about.desc() if lane is Lane.HISTORICAL else _tasks.c.about)
    rows = connection.execute(
        select(_tasks.c.priority, _tasks.c.about).where(*conditions).order_by(*place).limit(1)
    ).all()
    count = connection.execute(select(func.count()).select_from(_tasks).where(*conditions)).scalar_one()
    return Offered(count, (rows[0][0], rows[0][1]) if rows else None)


def outranking(
    connection: Connection,
    lane: Lane,
    worst: tuple[int, datetime],
    now: datetime,
    limit: int,
    rooms: Mapping[str, int] | None = None,
) -> Sequence[UUID]:
    """Pending tasks that come before the last message that is out; those the window must make room for."""
    priority, about = worst
    is_before = _tasks.c.about > about if lane is Lane.REALTIME else _tasks.c.about < about
    search = _Search(connection, lane, limit, rooms)
    for level in sorted(Priority, reverse=True):
        if int(level) < priority:
            break
        heads = [(one, pending_query(lane, one, level, now, search.asks(one))) for one in search.providers]
        search.take([(one, head.where(is_before) if int(level) == priority else head) for one, head in heads])
    return search.found


def out(connection: Connection, lane: Lane, *, sent_before: datetime | None = None) -> dict[UUID, tuple[UUID, int]]:
    """The unclaimed messages of a lane, all or those sent before an instant: attempt id → task id and attempt number."""
    query = select(_tasks.c.id, _tasks.c.number).where(*_is_out(), _tasks.c.offered_lane == lane.value)
    if sent_before is not None:
        query = query.where(_tasks.c.offered_at < sent_before)
    return {ids.attempt_id(task, number): (task, number) for task, number in connection.execute(query)}


def withdraw(connection: Connection, chosen: Sequence[tuple[UUID, int]]) -> int:
    """Forget that messages about these tasks (id, attempt number) were sent, so that they are offered again."""
    if not chosen:
        return 0
    return _withdraw(connection, tuple_(_tasks.c.id, _tasks.c.number).in_(chosen))


def withdraw_moved(connection: Connection, now: datetime) -> int:
    """Withdraw what midnight has moved: messages in the realtime lane about a day that is no longer today."""
    return _withdraw(connection, _tasks.c.offered_lane == Lane.REALTIME.value, _tasks.c.about < midnight(now))


def withdraw_all(connection: Connection, lane: Lane) -> int:
    """Withdraw every message of a lane that nobody has claimed yet. Returns how many."""
    return _withdraw(connection, _tasks.c.offered_lane == lane.value)


def _withdraw(connection: Connection, *which: ColumnElement[bool]) -> int:
    # What is in another's hand is being claimed, held, cancelled or offered: the next tick finds it if it is still out.
    mine = in_order(connection, _tasks, (*_is_out(), *which), passing_over=True)
    return connection.execute(update(_tasks).where(*mine).values(offered_at=None, offered_lane=None)).rowcount


def counts(connection: Connection, now: datetime) -> dict[Lane, LaneCount]:
    """How much work waits and runs in each lane at this moment; each of the four is counted in an index of its own."""
    kinds = {
        "pending": _is_pending(),
        "offered": _is_out(),
        "running": (_tasks.c.state == word(State.RUNNING),),
        "held": (_tasks.c.state == word(State.QUEUED), is_set(_tasks.c.held)),
    }
    is_today = _tasks.c.about >= midnight(now)
    totals: dict[Lane, dict[str, int]] = {lane: {} for lane in Lane}
    for kind, conditions in kinds.items():
        query = select(func.count(), func.count().filter(is_today)).select_from(_tasks).where(*conditions)
        every, today = connection.execute(query).one()
        totals[Lane.REALTIME][kind], totals[Lane.HISTORICAL][kind] = today, every - today
    return {lane: LaneCount(lane, **total) for lane, total in totals.items()}


def _is_pending() -> tuple[ColumnElement[bool] | TextClause, ...]:
    return (_tasks.c.state == word(State.QUEUED), _tasks.c.offered_at.is_(None), is_unset(_tasks.c.held))


def _is_out() -> tuple[ColumnElement[bool], ...]:
    return (_tasks.c.state == word(State.QUEUED), _tasks.c.offered_at.is_not(None))
