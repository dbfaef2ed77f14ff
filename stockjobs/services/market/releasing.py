"""Releasing: bars that were set aside are landed after all, in the shares of now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.splits import Split, factors, in_new_shares
from stockjobs.domain.market.validation import joined
from stockjobs.errors import Conflict
from stockjobs.store.database import Connection
from stockjobs.store.market import actions, bars, landings
from stockjobs.store.market.quarantine import StoredFinding

_Held = tuple[StoredFinding, Bars]
_Heard = dict[Split, datetime]
_Series = tuple[int, Interval]


def land_released(connection: Connection, chosen: Sequence[_Held], by: str, now: datetime) -> int:
    """Land the bars of findings, each series at once. Returns how many were written.

    Raises Conflict where two of them are for one time.
    """

    @cache
    def landing() -> int:
        return landings.begin(connection, now, attempt=None, by=by)

    given = [_landing(series, joined(several)) for series, several in _by_series(connection, chosen).items()]
    return bars.land(connection, given, now, landing=landing)


def _by_series(connection: Connection, chosen: Sequence[_Held]) -> dict[_Series, list[Bars]]:
    heard = actions.splits_heard(connection, sorted({one.instrument_id for one, _ in chosen if one.instrument_id}))
    found: dict[_Series, list[Bars]] = {}
    for one, aside in sorted(chosen, key=lambda pair: pair[0].created_at):
        if one.instrument_id is not None and one.interval is not None:
            now_told = _in_shares_of_now(aside, one.created_at, heard.get(one.instrument_id, {}))
            found.setdefault((one.instrument_id, one.interval), []).append(now_told)
    return found


def _landing(series: _Series, whole: Bars) -> bars.Landing:
    if (whole.at[1:] == whole.at[:-1]).any():
        raise Conflict(
            "Two of these findings hold different bars of one time: release the right one, reject the other."
        )
    # From its own first bar on, so that a position never moves over a hole.
    return bars.Landing(*series, whole, since=datetime.fromtimestamp(int(whole.at[0]), UTC))


def _in_shares_of_now(aside: Bars, then: datetime, heard: _Heard) -> Bars:
    """Bars as they would be told now, after the splits that were heard of since they were set aside."""
    since = tuple(split for split, seen_at in heard.items() if seen_at > then)
    return in_new_shares(aside, factors(aside.at, since)) if since else aside
