"""The workers of the fleet, as they show themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from stockjobs.domain.work.lanes import Lane
from stockjobs.store import tables
from stockjobs.store.statements import upsert

_workers = tables.workers
_FORGOTTEN_AFTER = timedelta(days=1)

GONE_AFTER = timedelta(seconds=60)
"""A worker that has not shown itself for so long is no longer counted on."""


@dataclass(frozen=True)
class Worker:
    """A worker node: its Celery name, its lanes, how many tasks it may run at once and how many it runs just now.

    `memory` is the bytes that it and its children have resident, `cpu` how many processors they use; None where the system
    does not tell.
    """

    name: str
    lanes: tuple[Lane, ...]
    pool: str
    concurrency: int
    running: int
    memory: int | None
    cpu: float | None
    version: str
    pid: int
    started_at: datetime
    seen_at: datetime


def show(connection: Connection, worker: Worker) -> None:
    """Write down that a worker is there; those that were not seen for a day are forgotten."""
    connection.execute(delete(_workers).where(_workers.c.seen_at < worker.seen_at - _FORGOTTEN_AFTER))
    row = {**asdict(worker), "lanes": [lane.value for lane in worker.lanes]}
    insert = upsert(connection, _workers).values(row)
    changed = {name: insert.excluded[name] for name in row if name not in ("name", "pid")}
    connection.execute(insert.on_conflict_do_update(index_elements=["name", "pid"], set_=changed))


def leave(connection: Connection, name: str, pid: int) -> None:
    """Write down that a worker has stopped."""
    connection.execute(delete(_workers).where(_workers.c.name == name, _workers.c.pid == pid))


def seen_since(connection: Connection, since: datetime) -> Sequence[Worker]:
    """The workers that showed themselves since an instant, by name."""
    query = select(_workers).where(_workers.c.seen_at >= since).order_by(_workers.c.name, _workers.c.pid)
    return [
        Worker(**{**row, "lanes": tuple(Lane(lane) for lane in row["lanes"])})
        for row in connection.execute(query).mappings()
    ]
