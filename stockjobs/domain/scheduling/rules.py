"""Plain rules: an ISO 8601 repeating interval, a single time, and never."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from stockjobs.domain.periods import RepeatingInterval


@dataclass(frozen=True)
class Repeat:
    """An ISO 8601 repeating interval."""

    interval: RepeatingInterval

    def after(self, instant: datetime) -> datetime | None:
        """The first due time after an instant, None when the repetitions are used up."""
        return self.interval.after(instant)

    def iterate(self, instant: datetime) -> Iterator[datetime]:
        """The due times after an instant, UTC."""
        return self.interval.iterate(instant)

    def is_late(self, due: datetime) -> bool:
        """True for a due time whose local time the clocks jump over, and which is therefore as much later as they jump."""
        return self.interval.is_late(due)


@dataclass(frozen=True)
class Once:
    """One due time."""

    at: datetime

    def after(self, instant: datetime) -> datetime | None:
        """The due time, if it is after the instant."""
        return self.at if self.at > instant else None

    def iterate(self, instant: datetime) -> Iterator[datetime]:
        """The due time, if it is after the instant."""
        if self.at > instant:
            yield self.at


@dataclass(frozen=True)
class Manual:
    """Never due by itself."""

    def after(self, instant: datetime) -> datetime | None:  # noqa: ARG002 - the same call for every schedule
        """None."""
        return None

    def iterate(self, instant: datetime) -> Iterator[datetime]:  # noqa: ARG002 - the same call for every schedule
        """Nothing."""
        return iter(())
