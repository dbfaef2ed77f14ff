"""How the table of bars lies in the database, and by which years it is divided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

FIRST_YEAR = 2000
"""Bars before this year lie in one partition: there are only daily ones of most."""
_YEARS_AGO = 10
"""So far a backfill goes if nobody says otherwise."""


class Layout(StrEnum):
    """How the table of bars lies in the database."""

    PLAIN = "plain"
    """One table."""
    PARTITIONS = "partitions"
    """PostgreSQL's own range partitions, one a year."""
    TIMESCALE = "timescale"
    """A hypertable of TimescaleDB, compressed where it is old."""


@dataclass(frozen=True)
class Partition:
    """Bars with start ≤ at < end; None is without a bound."""

    name: str
    start: datetime | None
    end: datetime | None


def partitions(oldest: datetime | None, now: datetime) -> list[Partition]:
    """One partition a year to the year after now, from the oldest bar, or ten years ago, and one before. Years are UTC's."""
    last, since = now.year + 1, now.year - _YEARS_AGO
    first = max(min(oldest.year, since) if oldest else since, min(FIRST_YEAR, now.year))
    years = [Partition(f"bars_{year}", _new_year(year), _new_year(year + 1)) for year in range(first, last + 1)]
    return [Partition("bars_old", None, _new_year(first)), *years]


def next_partitions(known: frozenset[str], now: datetime) -> list[Partition]:
    """The partitions of this year and the next that are not there yet."""
    return [one for one in partitions(None, now)[-2:] if one.name not in known]


def _new_year(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=UTC)
