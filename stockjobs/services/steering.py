"""Steering: what people do to work that is under way."""

from __future__ import annotations

from stockjobs.errors import Conflict
from stockjobs.services.instances import cancel
from stockjobs.store import occurrences
from stockjobs.store.database import Database
from stockjobs.store.occurrences import Occurrence


class Steering:
    """Cancels work."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cancel(self, occurrence_id: str, *, by: str) -> Occurrence:
        """Cancel an occurrence: what waits at once, what runs within seconds. Raises NotFound, or Conflict if it has ended."""
        with self._database.begin() as connection:
            now = self._database.now(connection)
            occurrence = occurrences.get_by_prefix(connection, occurrence_id)
            if not cancel(connection, occurrence, now, reason=f"cancelled by {by}") and occurrence.finished_at:
                raise Conflict(f"occurrence {occurrence.id} has ended already: {occurrence.state}")
            return occurrences.require(connection, occurrence.id)
