"""Filters as conditions of a query on occurrences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, and_, cast, exists, or_, select, tuple_
from sqlalchemy import func as sql
from sqlalchemy.dialects.postgresql import JSONB

from stockjobs.domain import ids
from stockjobs.domain.work.filters import Filter
from stockjobs.domain.work.lanes import Lane, midnight
from stockjobs.domain.work.states import OPEN
from stockjobs.errors import NotFound
from stockjobs.store import tables
from stockjobs.store.statements import words

_occurrences, _tasks, _attempts, _versions = tables.occurrences, tables.tasks, tables.attempts, tables.job_versions
Condition = ColumnElement[bool]


def of_occurrences(connection: Connection, wanted: Filter, now: datetime) -> list[Condition]:
    """The conditions on `occurrences`. Raises NotFound for a job that never was; a deleted one has its history."""
    found = _but_for_states(connection, wanted)
    if wanted.states:
        found.append(_occurrences.c.state.in_(words(wanted.states)))
    if wanted.lane is not None:
        found.append(_in_lane(wanted.lane, now))
    return found


def job_named(connection: Connection, name: str) -> UUID:
    """The id of a job that is there, or was. Raises NotFound."""
    identity = ids.job_id(name)
    if connection.execute(select(tables.jobs.c.id).where(tables.jobs.c.id == identity)).first() is None:
        raise NotFound(f"there is no job {name!r}: `stockctl get jobs` lists them")
    return identity


def of_tasks(connection: Connection, wanted: Filter, now: datetime) -> list[Condition]:
    """The conditions on `tasks` joined with `occurrences`; state and lane are the task's own, its lane that of this moment."""
    found = _but_for_states(connection, wanted)
    if wanted.states:
        found.append(_tasks.c.state.in_(words(wanted.states)))
    if wanted.lane is not None:
        found.append(_about(wanted.lane, now))
    return found


def _but_for_states(connection: Connection, wanted: Filter) -> list[Condition]:
    found: list[Condition] = []
    if wanted.job is not None:
        found.append(_occurrences.c.job_id == job_named(connection, wanted.job))
    if wanted.tag is not None or wanted.labels:
        found.append(tuple_(_occurrences.c.job_id, _occurrences.c.version).in_(_versions_with(connection, wanted)))
    if wanted.submitter is not None:
        found.append(_occurrences.c.submitter == wanted.submitter)
    if wanted.since is not None:
        found.append(_occurrences.c.created_at >= wanted.since)
    if wanted.before is not None:
        found.append(_occurrences.c.created_at < wanted.before)
    return found


def _versions_with(connection: Connection, wanted: Filter) -> Select[*tuple[object, ...]]:
    query = select(_versions.c.job_id, _versions.c.version)
    is_postgresql = connection.dialect.name == "postgresql"
    if wanted.tag is not None:
        query = query.where(_has_tag_postgresql(wanted.tag) if is_postgresql else _has_tag_sqlite(wanted.tag))
    for key, value in wanted.labels.items():
        query = query.where(_has_label_postgresql(key, value) if is_postgresql else _has_label_sqlite(key, value))
    return query


def _has_tag_postgresql(tag: str) -> Condition:
    return cast(_versions.c.spec, JSONB)["tags"].contains([tag])


def _has_tag_sqlite(tag: str) -> Condition:
    tags = sql.json_each(_versions.c.spec, "$.tags").table_valued("key", "value")
    return exists(select(tags.c.key).where(tags.c.value == tag).correlate(_versions))


def _has_label_postgresql(key: str, value: str) -> Condition:
    return cast(_versions.c.labels, JSONB).contains({key: value})


def _has_label_sqlite(key: str, value: str) -> Condition:
    labels = sql.json_each(_versions.c.labels).table_valued("key", "value")
    return exists(select(labels.c.key).where(labels.c.key == key, labels.c.value == value).correlate(_versions))


def _in_lane(lane: Lane, now: datetime) -> Condition:
    ran = exists().where(_attempts.c.task_id == _tasks.c.id, _attempts.c.lane == lane.value)
    waits = and_(_tasks.c.state.in_(words(OPEN)), _about(lane, now))
    return exists().where(_tasks.c.occurrence_id == _occurrences.c.id, or_(ran, waits))


def _about(lane: Lane, now: datetime) -> Condition:
    return _tasks.c.about >= midnight(now) if lane is Lane.REALTIME else _tasks.c.about < midnight(now)


def count(connection: Connection, wanted: Filter, now: datetime) -> int:
    """How many occurrences are meant."""
    query = select(sql.count()).select_from(_occurrences).where(*of_occurrences(connection, wanted, now))
    return connection.execute(query).scalar_one()


def newest(connection: Connection, wanted: Filter, now: datetime, limit: int) -> Sequence[UUID]:
    """The ids of the occurrences that are meant, the newest first."""
    query = select(_occurrences.c.id).where(*of_occurrences(connection, wanted, now))
    return (
        connection.execute(query.order_by(_occurrences.c.created_at.desc(), _occurrences.c.id).limit(limit))
        .scalars()
        .all()
    )
