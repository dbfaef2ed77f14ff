"""The bars that answer a chart request: windowed, gathered to the interval, with the live last bar."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from stockjobs.simulator.asking import Ask
from stockjobs.simulator.buckets import bucket_of, bucket_starts
from stockjobs.simulator.extended import extended_minutes
from stockjobs.simulator.minutes import MINUTE, Minutes, minutes, until
from stockjobs.simulator.rows import Rows
from stockjobs.simulator.snapshot import Snapshot
from stockjobs.simulator.trading import trades_round_the_clock


def bars(snapshot: Snapshot, ask: Ask) -> Rows:
    """The bars of a window in the shares of now; the last one stands at the time of its last trade while it is live."""
    rows = _intraday(snapshot, ask) if ask.grain.is_intraday else _by_days(snapshot, ask)
    return rows.scaled(snapshot.factor)


def _intraday(snapshot: Snapshot, ask: Ask) -> Rows:
    fine = _minutes(snapshot, ask)
    since_open = fine.rows.at - snapshot.history.days.open[fine.session]
    rows = fine.rows.gathered(fine.session * 1_000 + since_open // (ask.grain.minutes * MINUTE))
    if snapshot.is_open and len(rows) and rows.at[-1] < snapshot.now < ask.end:
        rows = rows + _last_trade(rows, int(snapshot.now))
    return rows[(rows.at >= ask.start) & (rows.at < ask.end)]


def _minutes(snapshot: Snapshot, ask: Ask) -> Minutes:
    first, last = sessions_in(snapshot, ask)
    made = extended_minutes if ask.extended else minutes
    return until(snapshot.history, made(snapshot.history, first, last), snapshot.now)


def sessions_in(snapshot: Snapshot, ask: Ask) -> tuple[int, int]:
    """The sessions that a window touches, first ≤ index < last, none that has not begun."""
    days = snapshot.history.days
    margin = 8 * 3_600 if ask.extended else 0
    first = int(np.searchsorted(days.close + margin, ask.start, side="right"))
    last = days.started(min(ask.end - 1, snapshot.now) + margin)
    return first, max(first, last)


def _last_trade(rows: Rows, now: int) -> Rows:
    """The row that Yahoo appends while the market is open: the last price, at its time, without volume."""
    close = rows.close[-1:]
    return Rows(np.array([now]), close, close, close, close, np.zeros(1), close)


def _by_days(snapshot: Snapshot, ask: Ask) -> Rows:
    return _days(snapshot, ask) if ask.grain.name == "1d" else _coarse(snapshot, ask)


def _days(snapshot: Snapshot, ask: Ask) -> Rows:
    opened = snapshot.history.days.open
    first, last = (int(np.searchsorted(opened[: snapshot.sessions], at)) for at in (ask.start, ask.end))
    if last < snapshot.sessions or not snapshot.is_open:
        return snapshot.days(slice(first, last))
    if first > snapshot.session:
        return Rows.empty()
    return snapshot.days(slice(first, snapshot.session)) + snapshot.today.dated(np.array([snapshot.time]))


def _coarse(snapshot: Snapshot, ask: Ask) -> Rows:
    """Weeks and longer, each of them whole; while a market with a closing bell is open, its today stands apart."""
    days, grain = snapshot.history.days, ask.grain.name
    zone = ZoneInfo(snapshot.history.listing.venue.zone)
    buckets = bucket_of(grain, days.ordinal, np.arange(len(days)))
    start_day = datetime.fromtimestamp(max(ask.start, float(days.open[0])), zone).toordinal()
    first = int(np.searchsorted(buckets, buckets[min(int(np.searchsorted(days.ordinal, start_day)), snapshot.session)]))
    apart = snapshot.is_open and not trades_round_the_clock(snapshot.history.listing.venue)
    rows, belongs = snapshot.days(slice(first, snapshot.session)), buckets[first : snapshot.session]
    if not apart:
        rows, belongs = rows + snapshot.today, buckets[first : snapshot.sessions]
    rows = rows.gathered(belongs)
    if grain != "5d":
        rows = rows.dated(bucket_starts(grain, np.unique(belongs), zone))
    if apart:
        rows = rows + snapshot.today.dated(np.array([snapshot.time]))
    return rows[rows.at < ask.end]
