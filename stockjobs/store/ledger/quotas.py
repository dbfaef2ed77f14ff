"""How many tasks of a provider may still be offered, where the fleet runs only so many of each at once.

In flight is what was offered or runs. It is counted in a transaction that has the turn, so that two dispatchers never fill the
same room.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text, update

from stockjobs.domain.work.lanes import Lane, midnight
from stockjobs.domain.work.states import State
from stockjobs.store import tables
from stockjobs.store.statements import word

_tasks = tables.tasks
_OUT = (_tasks.c.state == word(State.QUEUED), _tasks.c.offered_at.is_not(None))
_TURN = 0x73746F636B6A


@dataclass(frozen=True)
class Flight:
    """What is in flight of one provider: in each lane, offered to workers and running."""

    offered: Counter[Lane]
    running: Counter[Lane]

    def room(self, cap: int, lane: Lane, *, kept: int) -> int:
        """How many more tasks may be offered to a lane; `kept` places are the other lane's, if it does not fill them itself."""
        others = sum(count for other, count in (self.offered + self.running).items() if other is not lane)
        mine = self.offered[lane] + self.running[lane]
        return max(0, cap - mine - max(others, kept))

    def room_in(self, lane: Lane, cap: int) -> int:
        """How many more tasks may be offered to a lane that has a cap for itself."""
        return max(0, cap - self.offered[lane] - self.running[lane])


def take_turn(connection: Connection) -> bool:
    """Make this transaction the only one that counts and offers; False if another is at it. On SQLite a writer is alone."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.execute(text("SELECT pg_try_advisory_xact_lock(:turn)"), {"turn": _TURN}).scalar())


def in_flight(connection: Connection, provider: str, now: datetime) -> Flight:
    """What is in flight of a provider; costs as much as is in flight at all."""
    lane = _tasks.c.offered_lane
    offered = select(lane, func.count()).where(*_OUT, _tasks.c.provider == provider).group_by(lane)
    is_today = _tasks.c.about >= midnight(now)
    is_running = (_tasks.c.state == word(State.RUNNING), _tasks.c.provider == provider)
    running = select(is_today, func.count()).where(*is_running).group_by(is_today)
    return Flight(
        Counter({Lane(name): count for name, count in connection.execute(offered)}),
        Counter({Lane.REALTIME if today else Lane.HISTORICAL: count for today, count in connection.execute(running)}),
    )


def displace(connection: Connection, provider: str, lane: Lane, count: int) -> int:
    """Withdraw messages of a provider from a lane, those that would be served last. Returns how many nobody had claimed."""
    place = (_tasks.c.priority, _tasks.c.about.desc() if lane is Lane.HISTORICAL else _tasks.c.about)
    worst = select(_tasks.c.id).where(*_OUT, _tasks.c.offered_lane == lane.value, _tasks.c.provider == provider)
    chosen = connection.execute(worst.order_by(*place).limit(count).with_for_update(skip_locked=True)).scalars().all()
    statement = update(_tasks).where(_tasks.c.id.in_(chosen), *_OUT)
    return connection.execute(statement.values(offered_at=None, offered_lane=None)).rowcount if chosen else 0
