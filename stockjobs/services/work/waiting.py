"""Waiting: occurrences that start after others, and what becomes of them once those have ended."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.work.dependencies import Fate, Start, Stop, decide
from stockjobs.domain.work.states import State
from stockjobs.errors import InvalidInput
from stockjobs.services.work.instances import Draft, Instances
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import definitions, events, occurrences, waits
from stockjobs.store.ledger.definitions import Job, Unable
from stockjobs.store.ledger.occurrences import Occurrence

OCCURRENCES_A_TRANSACTION = 500
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
            found, is_full = self._resolve_page()
            resolved, of_this_round = resolved + found, of_this_round + found
            if is_full or self._place is not None:
                if time.monotonic() - began > _LONG_ENOUGH_S:
                    return resolved
            elif of_this_round:
                of_this_round = 0
            else:
                return resolved

    def _resolve_page(self) -> tuple[int, bool]:
        """Look at the next so many that are waited for. Returns for how many it was decided, and whether there may be more."""
        with self._database.read() as connection:
            on, following = waits.ended_or_missing(connection, self._place, _LOOKED_AT)
            has_news = bool(on) or waits.any_waits_for_first(connection)
        resolved = self._resolve_some(on) if has_news else 0
        is_full = resolved >= OCCURRENCES_A_TRANSACTION
        if not is_full:
            self._place = following
        return resolved, is_full

    def _resolve_some(self, on: Collection[UUID]) -> int:
        with self._database.begin() as connection:
            waits.point_to_first(connection)
            found = waits.decidable(connection, on, OCCURRENCES_A_TRANSACTION)
            if not found:
                return 0
            closed = waits.close_ended(connection, found)
            return closed + resolve(connection, self._instances, found, self._database.now(connection))


def resolve(connection: Connection, instances: Instances, waiting: Collection[UUID], now: datetime) -> int:
    """Do so for some occurrences, in the caller's transaction. Returns for how many something was decided.

    It waits for nobody's lock: what is in another's hand is that one's to resolve, or the next tick's.
    """
    locked = waits.lock(connection, waiting)
    awaited = waits.awaited_by(connection, locked)
    news = {one: [other for other in others if other.standing() is not other.known] for one, others in awaited.items()}
    decided = [one for one, others in news.items() if others]
    waits.note(connection, news)
    _move(
        connection, instances, [(one, decide(awaited[one.id])) for one in occurrences.several(connection, decided)], now
    )
    return len(decided)


def _move(
    connection: Connection, instances: Instances, fates: Sequence[tuple[Occurrence, Fate]], now: datetime
) -> None:
    starting = [occurrence for occurrence, fate in fates if isinstance(fate, Start)]
    # Each runs the version that it was made under, whatever its job has become since.
    jobs = definitions.as_of(connection, {(one.job_id, one.version) for one in starting})
    drafts, ends = [], [(one, fate) for one, fate in fates if isinstance(fate, Stop)]
    for one in starting:
        planned = _planned(instances, jobs.get((one.job_id, one.version)), one, now)
        if isinstance(planned, Stop):
            ends.append((one, planned))
        else:
            drafts.append(planned)
    instances.release(connection, drafts, now)
    for one, fate in sorted(ends, key=lambda end: end[0].id):
        _stop(connection, one, fate.state, fate.reason, now)


def _planned(instances: Instances, job: Job | Unable | None, occurrence: Occurrence, now: datetime) -> Draft | Stop:
    """What it starts with; one that cannot start keeps no other from it."""
    if job is None:
        return Stop(State.SKIPPED, "its job was deleted")
    if isinstance(job, Unable):
        return Stop(State.FAILED, job.reason)
    try:
        return instances.planned(job, occurrence, now)
    except InvalidInput as error:
        return Stop(State.FAILED, str(error))


def _stop(connection: Connection, occurrence: Occurrence, state: State, reason: str, now: datetime) -> None:
    if occurrences.end(connection, occurrence.id, state, now, reason=reason):
        data = {"job": occurrence.job, "state": state.value, "reason": reason}
        events.append(connection, Event(_TOLD_AS[state], now, occurrence.job_id, occurrence.id, data=data))
