"""When a company can have reported something new, so that its fundamentals are not asked for each night in vain. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from isodate.duration import Duration

QUARTER = Duration(months=3)
FIRST_REPORTS = timedelta(days=14)
LAST_REPORTS = timedelta(days=90)
"""Figures of a quarter appear two weeks after its end at the earliest; those of a year within 60 to 90 days (SEC, 10-K)."""

IN_SEASON = timedelta(hours=20)
OUT_OF_SEASON = timedelta(days=7) - timedelta(hours=4)
"""The shortest pauses between two questions. Four hours less than a day, or a week: a nightly job is never on the second."""


@dataclass(frozen=True)
class Reported:
    """What is known of a company's reports: when its source last answered, and the last day of the newest period in it."""

    asked_at: datetime
    newest_as_of: date | None = None


def ask_at(known: Reported | None, now: datetime) -> datetime:
    """The instant from which a company's fundamentals are worth a question; in the past for one that was never asked about.

    While the figures of the next quarter can appear that is once a day; else once a week, for restated figures, share
    counts and the profile.
    """
    if known is None:
        return now
    weekly = known.asked_at + OUT_OF_SEASON
    if known.newest_as_of is None:
        return weekly
    starts, ends = _season(known.newest_as_of)
    daily = max(known.asked_at + IN_SEASON, starts)
    return min(daily, weekly) if daily < ends else weekly


def _season(newest_as_of: date) -> tuple[datetime, datetime]:
    """From when until when the figures of the quarter after a day are looked for every day."""
    ended = datetime.combine(newest_as_of + QUARTER, time(), UTC)
    return ended + FIRST_REPORTS, ended + LAST_REPORTS
