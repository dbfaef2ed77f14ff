"""What can be paused besides a job."""

from __future__ import annotations

from enum import StrEnum

from stockjobs.domain.work.lanes import Lane


class Scope(StrEnum):
    """What a pause keeps from starting: the work of a lane, or all work."""

    EVERYTHING = "everything"
    REALTIME = "realtime"
    HISTORICAL = "historical"

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes in which nothing starts."""
        return tuple(Lane) if self is Scope.EVERYTHING else (Lane(self.value),)

    @property
    def shown(self) -> str:
        """The scope as the command line takes it."""
        return self.value if self is Scope.EVERYTHING else f"lane/{self.value}"
