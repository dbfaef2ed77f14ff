"""What is to be thought of a symbol that its provider does not know: nothing yet, that it is suspect, that it is dead.

A provider says "unknown" also when it is out of order. So one day counts once, and counts only if others were served meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from stockjobs.domain.counting import counted

SUSPECT_DAYS, SUSPECT_SPAN = 3, timedelta(days=3)
"""Unknown on so many days in a row, the first and the last of them so far apart (both counted): suspect."""

DEAD_DAYS, DEAD_SPAN = 7, timedelta(days=14)
"""The same for dead."""

PROBE_EVERY = timedelta(days=7)
"""How often a dead symbol is asked for all the same: some come back."""

_A_DAY = timedelta(days=1)


class Health(StrEnum):
    """What is thought of a symbol."""

    ACTIVE = "active"
    SUSPECT = "suspect"
    """It may be dead; it is asked for as ever."""
    DEAD = "dead"
    """It is asked for once a week."""
    RENAMED = "renamed"
    """Its instrument is asked for by another symbol."""


@dataclass(frozen=True)
class Standing:
    """What is known of a symbol: on how many days in a row it was unknown (UTC), and what that comes to."""

    state: Health = Health.ACTIVE
    unknown_days: int = 0
    first_unknown_on: date | None = None
    last_unknown_on: date | None = None
    reason: str = ""
    successor: str | None = None

    @property
    def is_clean(self) -> bool:
        """True if nothing speaks against it."""
        return self.state is Health.ACTIVE and not self.unknown_days


def after_unknown(standing: Standing, today: date, said: str) -> Standing:
    """After its provider did not know a symbol, on a day on which it knew others."""
    if standing.state is Health.RENAMED or standing.last_unknown_on == today:
        return standing
    first = standing.first_unknown_on or today
    days = standing.unknown_days + 1
    now = replace(standing, unknown_days=days, first_unknown_on=first, last_unknown_on=today)
    state = _state(standing.state, days, today - first + _A_DAY)
    if state is standing.state:
        return now
    return replace(now, state=state, reason=f"unknown on {counted(days, 'day')} since {first}: {said}")


def _state(now: Health, days: int, span: timedelta) -> Health:
    if days >= DEAD_DAYS and span >= DEAD_SPAN:
        return Health.DEAD
    if days >= SUSPECT_DAYS and span >= SUSPECT_SPAN and now is Health.ACTIVE:
        return Health.SUSPECT
    return now


def after_answer(standing: Standing) -> Standing:
    """After its provider knew a symbol: whatever was thought of it, it is active; what is renamed stays so."""
    return standing if standing.state is Health.RENAMED else Standing()


def renamed(successor: str, at: datetime) -> Standing:
    """After its instrument got another symbol."""
    return Standing(Health.RENAMED, reason=f"renamed to {successor} on {at:%Y-%m-%d}", successor=successor)


def why_not_asked(standing: Standing, now: datetime) -> str:
    """Why a symbol is not asked for now; empty if it is."""
    if standing.state is not Health.DEAD or standing.last_unknown_on is None:
        return ""
    probe = standing.last_unknown_on + PROBE_EVERY
    return f"it is dead ({standing.reason}), and is asked for again on {probe}" if now.date() < probe else ""


def is_trusted(answered: int, unknown: int, *, others_fine: bool) -> bool:
    """True if a provider that did not know some symbols of an attempt was in order: it knew as many others, then or lately."""
    return answered >= unknown if answered else others_fine
