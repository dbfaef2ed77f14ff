"""How the bars lie in the database: shown, switched by a person, kept ahead of the years by beat."""

from __future__ import annotations

from collections.abc import Sequence

from stockjobs.domain.market.layouts import Layout
from stockjobs.store.database import Database
from stockjobs.store.market import layouts
from stockjobs.store.market.layouts import Storage


class Layouts:
    """Looks at the table of bars, and moves it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def shown(self) -> Storage:
        """How the bars lie now."""
        with self._database.read() as connection:
            return layouts.shown(connection)

    def switch(self, layout: Layout) -> int:
        """Move all bars into another layout, all of them or none; whoever wants bars waits. Returns how many there are.

        Raises InvalidInput where the database cannot do it, Conflict where they lie so already, or other views need them, Busy
        where somebody goes on reading or writing them.
        """
        with self._database.begin() as connection:
            return layouts.switch(connection, layout, self._database.now(connection))

    def extend(self) -> Sequence[str]:
        """Make the partitions of this year and the next, where there are partitions. Returns the names of the new ones.

        Raises InvalidInput where the user cannot do it, Busy where somebody goes on reading or writing bars.
        """
        if not self._database.is_postgresql:
            return ()
        with self._database.begin() as connection:
            return layouts.extend(connection, self._database.now(connection))
