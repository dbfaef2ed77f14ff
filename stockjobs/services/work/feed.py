"""The feed of events: what happened, in order, for subscribers that may go away and come back with a cursor."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.work.filters import EVERY_EVENT, EventFilter
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import events, filters, occurrences

_POLL_S = 0.2
_AT_ONCE = 500


@dataclass(frozen=True)
class Batch:
    """Events in order, and the cursor to go on from; no events is a heartbeat."""

    events: Sequence[Event]
    cursor: int


@dataclass(frozen=True)
class _Place:
    """How far a subscriber has read, and up to which number it was told that events were removed."""

    cursor: int
    told: int = -1


class Feed:
    """Tells subscribers what happens. The cursor is theirs to keep: nothing is stored about who reads.

    Where retention has removed events that a subscriber has not read yet, it is told so by an event `history.removed`, which
    has its cursor as id and `up_to` in its data; then the feed goes on with what there is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def filter(
        self, *, job: str | None = None, occurrence: str | None = None, names: Sequence[EventName] = ()
    ) -> EventFilter:
        """The filter for a job by its name, an occurrence by the beginning of its id, names. Raises NotFound."""
        with self._database.read() as connection:
            of = filters.job_named(connection, job) if job is not None else None
            one = occurrences.get_by_prefix(connection, occurrence).id if occurrence else None
        return EventFilter(of, one, tuple(names))

    def newest(self) -> int:
        """The cursor of the newest event, 0 if there is none."""
        with self._database.read() as connection:
            return events.newest(connection)

    def last(self, limit: int, wanted: EventFilter = EVERY_EVENT) -> Sequence[Event]:
        """The last events, oldest first."""
        with self._database.read() as connection:
            return events.latest(connection, limit, wanted)

    def missed(self, job: UUID, limit: int) -> Sequence[Event]:
        """The last tellings of due times that a job missed, the newest first."""
        with self._database.read() as connection:
            return events.missed(connection, job, limit)

    def after(
        self, cursor: int | None = None, wanted: EventFilter = EVERY_EVENT, *, follow: bool = False
    ) -> Iterator[Event]:
        """The events after a cursor (None: those to come), oldest first; following, it waits for more for ever."""
        place = _Place(self.newest() if cursor is None else cursor)
        while True:
            found, place = self._look(place, wanted)
            yield from found
            if not found and not follow:
                return
            if not found:
                time.sleep(_POLL_S)

    def stream(
        self,
        cursor: int | None = None,
        wanted: EventFilter = EVERY_EVENT,
        *,
        heartbeat: timedelta = timedelta(seconds=15),
    ) -> Iterator[Batch]:
        """Batches for ever: events as soon as there are any, and an empty one whenever `heartbeat` has passed without.

        So each step returns in bounded time, and whoever passes it on over a network finds out that nobody listens any more.
        """
        place = _Place(self.newest() if cursor is None else cursor)
        while True:
            give_up_at = time.monotonic() + heartbeat.total_seconds()
            found, place = self._look(place, wanted)
            while not found and time.monotonic() < give_up_at:
                time.sleep(min(_POLL_S, heartbeat.total_seconds()))
                found, place = self._look(place, wanted)
            yield Batch(found, place.cursor)

    def _look(self, place: _Place, wanted: EventFilter) -> tuple[Sequence[Event], _Place]:
        with self._database.read() as connection:
            told = self._removed(connection, place, wanted)
            # Read first, so that all before it is in what is read next.
            newest = events.newest(connection)
            found = events.after(connection, place.cursor, wanted, limit=_AT_ONCE)
        # A filter that seldom matches must not make each look begin where the last match was.
        cursor = found[-1].id if found else max(newest, place.cursor)
        if told is None:
            return found, _Place(cursor, place.told)
        return [told, *found], _Place(cursor, told.data["up_to"])

    def _removed(self, connection: Connection, place: _Place, wanted: EventFilter) -> Event | None:
        if wanted.occurrence is not None:
            # Its events are removed with it, and not before.
            return None
        removed = events.removed(connection)
        if removed is None or removed.up_to <= max(place.cursor, place.told):
            return None
        return Event(EventName.REMOVED, removed.at, data={"up_to": removed.up_to}, id=place.cursor)
