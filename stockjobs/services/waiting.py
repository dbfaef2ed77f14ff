"""Waiting: occurrences that start after others, and what becomes of them once those have ended."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from stockjobs.domain.dependencies import Awaited, Standing, Start, Stop, decide
from stockjobs.domain.events import Event, EventName
from stockjobs.domain.states import State
from stockjobs.services.instances import Instances
from stockjobs.store import definitions, dependencies, events, occurrences
from stockjobs.store.database import Connection, Database
from stockjobs.store.definitions import Job
from stockjobs.store.occurrences import Occurrence

OCCURRENCES_A_TRANSACTION = 200
_LOOKED_AT = 1_000
_LONG_ENOUGH_S = 0.05

_TOLD_AS = {State.SKIPPED: EventName.SKIPPED, State.FAILED: EventName.FAILED}


class Waiting:
    """Starts and ends what has waited; any number may do so at once."""

    def __init__(self, database: Database, instances: Instances) -> None:
        self._database = database
        self._instances = instances
        self._place: UUID | None = None

    def resolve(self) -> int:
        """Start or end the occurrences for which what they wait for has been decided. Returns how many of those there were.

        It goes on until nothing more follows, for one that is skipped decides what others wait for; or, where very many wait,
        until it has taken long enough, and the next call goes on from there.
        """
        began = time.monotonic()
        resolved = of_this_round = 0
        while True:
            found = self._resolve_page()
            resolved, of_this_round = resolved + found, of_this_round + found
            if self._place is not None:
                if time.monotonic() - began > _LONG_ENOUGH_S:
                    return resolved
            elif of_this_round:
                of_this_round = 0
            else:
                return resolved

    def _resolve_page(self) -> int:
        """Look at the next so many that are waited for."""
        with self._database.read() as connection:
            on, following = dependencies.ended_or_missing(connection, self._place, _LOOKED_AT)
            has_news = bool(on) or dependencies.any_waits_for_first(connection)
        resolved = 0
        while has_news and (found := self._resolve_some(on)):
            resolved += found
        self._place = following
        return resolved

    def _resolve_some(self, on: Collection[UUID]) -> int:
        with self._database.begin() as connection:
            dependencies.point_to_first(connection)
            found = dependencies.decidable(connection, on, OCCURRENCES_A_TRANSACTION)
            if not found:
                return 0
            closed = dependencies.close_ended(connection, found)
            return closed + resolve(connection, self._instances, found, self._database.now(connection))


def resolve(connection: Connection, instances: Instances, waiting: Collection[UUID], now: datetime) -> int:
    """Do so for some occurrences, in the caller's transaction. Returns for how many something was decided.

    It waits for nobody's lock: what is in another's hand is that one's to resolve, or the next tick's.
    """
    locked = dependencies.lock(connection, waiting)
    found = dependencies.awaited_by(connection, locked)
    return sum(_resolve(connection, instances, one, awaited, now) for one, awaited in found.items() if awaited)


def _resolve(
    connection: Connection, instances: Instances, waiting: UUID, awaited: Sequence[Awaited], now: datetime
) -> bool:
    news = [one for one in awaited if one.standing() is not one.known]
    if not news:
        return False
    for standing in (Standing.MET, Standing.UNMET):
        dependencies.note(connection, waiting, [one.number for one in news if one.standing() is standing], standing)
    occurrence = occurrences.require(connection, waiting)
    match decide(awaited):
        case Start() if job := definitions.find(connection, occurrence.job):
            _start(connection, instances, job, occurrence, now)
        case Stop(state, reason):
            _stop(connection, occurrence, state, reason, now)
    return True


def _start(connection: Connection, instances: Instances, job: Job, occurrence: Occurrence, now: datetime) -> None:
    # It runs the version that it was made under, whatever the job has become since.
    spec = definitions.spec_of(connection, occurrence.job_id, occurrence.version)
    instances.release(connection, replace(job, spec=spec, version=occurrence.version), occurrence, now)


def _stop(connection: Connection, occurrence: Occurrence, state: State, reason: str, now: datetime) -> None:
    if occurrences.end(connection, occurrence.id, state, now, reason=reason):
        data = {"job": occurrence.job, "state": state.value, "reason": reason}
        events.append(connection, Event(_TOLD_AS[state], now, occurrence.job_id, occurrence.id, data=data))
