"""Splits and payments, each once: by its day on the exchange's clock, and payments by what was paid on that day.

Intervals tell of one event at different times of the day, and before or after a split was applied to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import numpy as np

from stockjobs.domain.market.bars import Bars, CorporateAction

SAME = 1e-6
"""Amounts that differ by less than this part are the same: sources round them."""

PAID_ALIKE = 1e-2
"""What was paid on the day is the same in other shares if it differs by less than this part: amounts are rounded in each."""

_BEFORE_MIDNIGHT = time(23)

MOVED = timedelta(days=5)
"""An ex-day is announced anew within so many days: a payment of the same amount further away is another one."""


@dataclass(frozen=True)
class Action:
    """A split or a payment as it is kept.

    `split_factor` is by how much shares have become more since, by the splits that are in the amount of a payment. `landing` is
    the number of the landing that wrote it; 0 for one that comes.
    """

    kind: str
    at: datetime
    value: float
    split_factor: float = 1.0
    landing: int = 0

    @property
    def is_payment(self) -> bool:
        """True for what was paid out, False for a split."""
        return self.kind != "split"

    @property
    def paid(self) -> float:
        """What was paid for a share of that day; the ratio of a split."""
        return self.value * self.split_factor

    def is_paid_as(self, other: Action) -> bool:
        """True if the same was paid for a share of the day, in whatever shares each is told."""
        return is_close(self.paid, other.paid, PAID_ALIKE)

    def in_shares(self, split_factor: float) -> Action:
        """The same payment told in other shares."""
        return replace(self, value=self.paid / split_factor, split_factor=split_factor)


@dataclass(frozen=True)
class Answered:
    """Of which spans (start ≤ at < end, UTC) a source was asked, and by which clock its days are counted."""

    spans: tuple[tuple[datetime, datetime], ...]
    zone: tzinfo

    def has(self, at: datetime) -> bool:
        """True if an instant is in one of the spans."""
        return any(start <= at < end for start, end in self.spans)


@dataclass(frozen=True)
class Difference:
    """What of the actions that are kept is no longer so, and what is so now."""

    gone: tuple[Action, ...]
    new: tuple[Action, ...]


def session_day(at: datetime, zone: tzinfo) -> date:
    """The day of an event by the clocks of a zone, as `days.days_of` dates the bar of a day that stands where it does.

    One at midnight UTC is dated by UTC, as by sources that know only days; one an hour before midnight stands at midnight by
    clocks that were not changed for the season.
    """
    is_late = at.astimezone(zone).time() == _BEFORE_MIDNIGHT and at.astimezone(UTC).time() != time()
    return _day_of_bar(at, zone) + timedelta(days=is_late)


def _day_of_bar(at: datetime, zone: tzinfo) -> date:
    """The day of a bar of whatever interval."""
    utc = at.astimezone(UTC)
    return utc.date() if utc.time() == time() else at.astimezone(zone).date()


def each_once(
    told: Sequence[CorporateAction], known: Iterable[datetime], bars: Bars, zone: tzinfo
) -> tuple[CorporateAction, ...]:
    """What an answer tells, oldest first, each event at the time at which its day is known: each once.

    A day that is not known yet stands at the first event of it, or at the first bar of the answer on that day if that is
    earlier, since the ex-day's bars are without what was paid. Equal events of one kind and day are one; of different ones the
    payments are added up and the ratios multiplied.
    """
    places: dict[date, datetime] = {}
    for at in sorted(known):
        places.setdefault(session_day(at, zone), at)
    found: dict[tuple[str, datetime], list[float]] = {}
    for one in sorted(told, key=lambda one: one.at):
        day = session_day(one.at, zone)
        at = places.setdefault(day, _first_of(day, one.at, bars, zone))
        values = found.setdefault((one.kind, at), [])
        if not any(is_close(one.value, value, SAME) for value in values):
            values.append(one.value)
    return tuple(CorporateAction(kind, at, _together(kind, values)) for (kind, at), values in found.items())


def _first_of(day: date, at: datetime, bars: Bars, zone: tzinfo) -> datetime:
    """The first bar of a day if it comes before an event of that day, else the event."""
    last = int(at.timestamp())
    first = int(np.searchsorted(bars.at, last - 86_400, side="right"))
    for second in bars.at[first : int(np.searchsorted(bars.at, last))].tolist():
        opened = datetime.fromtimestamp(second, UTC)
        if _day_of_bar(opened, zone) == day:
            return opened
    return at


def _together(kind: str, values: Sequence[float]) -> float:
    return values[0] if len(values) == 1 else math.prod(values) if kind == "split" else math.fsum(values)


def difference(known: Sequence[Action], told: Sequence[Action], answered: Answered) -> Difference:
    """What an answer changes of what is known; its events stand at the times of the known ones of their days.

    An event that was known and is told no more stays: an answer without it proves nothing. It goes only where the answer tells
    the same event on another day nearby, or where it was kept twice for one day.
    """
    current = {(one.kind, one.at): one for one in known}
    new = [one for one in told if not _is_told(current.get((one.kind, one.at)), one)]
    gone = [current[one.kind, one.at] for one in new if (one.kind, one.at) in current]
    gone += _doubled(known, told, answered.zone)
    gone += [former for former, _ in moves(known, told, answered)]
    return Difference(tuple(dict.fromkeys(gone)), tuple(new))


def moves(known: Sequence[Action], told: Sequence[Action], answered: Answered) -> tuple[tuple[Action, Action], ...]:
    """The events that were known of the answered span and are told of on another day nearby: as they were, and as they are."""
    current, kept = {(one.kind, one.at) for one in known}, {(one.kind, one.at) for one in told}
    new = [one for one in told if (one.kind, one.at) not in current]
    found = []
    for former in known:
        if (former.kind, former.at) not in kept and answered.has(former.at):
            twins = (one for one in new if one.kind == former.kind and abs(one.at - former.at) <= MOVED)
            found += [(former, twin) for twin in twins if _is_told(former, twin)][:1]
    return tuple(found)


def _is_told(known: Action | None, told: Action) -> bool:
    if known is None:
        return False
    is_in_same_shares = is_close(known.split_factor, told.split_factor, PAID_ALIKE)
    return is_close(known.value, told.value, SAME) or (not is_in_same_shares and known.is_paid_as(told))


def _doubled(known: Sequence[Action], told: Sequence[Action], zone: tzinfo) -> Iterator[Action]:
    """What is kept beside a told event of the same kind and day, at another time of it."""
    at = {(one.kind, session_day(one.at, zone)): one.at for one in told}
    for one in known:
        if at.get((one.kind, session_day(one.at, zone)), one.at) != one.at:
            yield one


def is_close(one: float, other: float, part: float) -> bool:
    """True if two numbers differ by less than a part of the larger one."""
    return math.isclose(one, other, rel_tol=part)
