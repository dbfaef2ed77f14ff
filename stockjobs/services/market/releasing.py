"""Releasing: bars that were set aside are landed after all, in the shares of now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import cache

import numpy as np

from stockjobs.domain.market.bars import Bars, Prices
from stockjobs.domain.market.changes import changes
from stockjobs.domain.market.days import in_place
from stockjobs.domain.market.explaining import NEAR_S
from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.shares_of_now import Beside, lacked_now, with_unexplained
from stockjobs.domain.market.splits import InPrices, Split, factors, in_new_shares, in_price, placed
from stockjobs.domain.market.validation import Context, joined, validate
from stockjobs.errors import Conflict
from stockjobs.services.market.calendars import zone_for
from stockjobs.services.market.filling import Filling
from stockjobs.services.market.paid import Aside, ask_again, land_paid
from stockjobs.store.database import Connection
from stockjobs.store.market import actions, bars, instruments, landings, restatements
from stockjobs.store.market.bar_rows import Span, Stored
from stockjobs.store.market.quarantine import StoredFinding

_Series = tuple[int, Interval]

_DAY_S = 86_400


@dataclass(frozen=True)
class Shares:
    """The splits that are to be applied to bars that were set aside, and all that are known, as the bars of their series see
    them; days are those of a zone.
    """

    lacked: tuple[Split, ...] = ()
    known: tuple[Split, ...] = ()
    zone: tzinfo = UTC


@dataclass(frozen=True, eq=False)
class Held:
    """A finding with the bars that were set aside for it: as they came, and as they would be stored now.

    `split_factor` has the splits that are in those prices, `stored` what is stored of the same times.
    """

    finding: StoredFinding
    aside: Bars
    told: Bars
    split_factor: Prices
    stored: Bars
    shares: Shares = field(default_factory=Shares)

    def replaced(self, now: datetime) -> Bars:
        """The stored bars that pass the checks, and would give way to one that broke a rule."""
        found = changes(self.stored, self.told)
        if self.finding.kind is not FindingKind.REJECTED_BAR or not found.changed.any():
            return Bars.empty()
        there = self.stored.where(np.isin(self.stored.at, self.told.at[found.changed]))
        return validate(there, Context(now)).good


@dataclass(frozen=True)
class _Past:
    """What the history of a series was told anew by: the splits that are known, when each was heard of, and restatements."""

    heard: Mapping[Split, datetime]
    restated: Sequence[tuple[datetime, Split]]
    zone: tzinfo

    @property
    def known(self) -> tuple[Split, ...]:
        return tuple(self.heard)

    def since(self, then: datetime) -> tuple[Split, ...]:
        """What has come since an instant, oldest ex-day first."""
        heard = [split for split, at in self.heard.items() if at > then]
        return with_unexplained(heard, [split for at, split in self.restated if at > then], self.known)


def held_of(connection: Connection, found: Sequence[tuple[StoredFinding, Bars]]) -> list[Held]:
    """Findings with their bars as they would be stored now. To decide by it, be alone with the instruments first."""
    by_series: dict[_Series, list[tuple[StoredFinding, Bars]]] = {}
    for one, aside in found:
        if one.instrument_id is not None and one.interval is not None and len(aside):
            by_series.setdefault((one.instrument_id, one.interval), []).append((one, aside))
    markets = instruments.markets(connection, sorted({instrument for instrument, _ in by_series}))
    zones = {one: zone_for(exchange, zone) for one, (exchange, zone) in markets.items()}
    pasts = _pasts(connection, by_series, zones)
    spans = [_span(series, several, pasts[series]) for series, several in by_series.items()]
    stored = bars.stored(connection, spans)
    made = {
        # Beside the stored bars, where those of the same days stand.
        one.id: _held(one, in_place(there.bars, aside, series[1], pasts[series].zone), there, pasts[series])
        for (series, several), there in zip(by_series.items(), stored, strict=True)
        for one, aside in several
    }
    return [made.get(one.id) or Held(one, aside, aside, np.ones(len(aside)), Bars.empty()) for one, aside in found]


def _pasts(
    connection: Connection,
    found: Mapping[_Series, Sequence[tuple[StoredFinding, Bars]]],
    zones: Mapping[int, tzinfo],
) -> dict[_Series, _Past]:
    if not found:
        return {}
    which = sorted({instrument for instrument, _ in found})
    heard = actions.splits_heard(connection, which)
    since = min(one.created_at for several in found.values() for one, _ in several)
    restated = restatements.made(connection, which, since)
    return {
        (instrument, interval): _Past(
            _placed(heard.get(instrument, {}), interval, zones[instrument]),
            restated.get((instrument, interval.seconds), ()),
            zones[instrument],
        )
        for instrument, interval in found
    }


def _placed(heard: Mapping[Split, datetime], interval: Interval, zone: tzinfo) -> dict[Split, datetime]:
    """Splits as the bars of an interval see them, with when each was heard of."""
    return dict(zip(placed(heard, interval, zone), heard.values(), strict=True))


def _span(series: _Series, several: Sequence[tuple[StoredFinding, Bars]], past: _Past) -> Span:
    """Where stored bars may tell in which shares these are; a few beside them where nothing was told anew since."""
    near = NEAR_S if any(past.since(one.created_at) for one, _ in several) else 5 * _DAY_S
    first = min(int(aside.at[0]) for _, aside in several)
    last = max(int(aside.at[-1]) for _, aside in several)
    return Span(*series, first - near, last + near)


def _held(one: StoredFinding, aside: Bars, there: Stored, past: _Past) -> Held:
    near = there.where((there.bars.at >= int(aside.at[0]) - NEAR_S) & (there.bars.at <= int(aside.at[-1]) + NEAR_S))
    since = past.since(one.created_at)
    lacked = lacked_now(aside, Beside(near.bars, near.split_factor), past.known, since)
    told = in_new_shares(aside, factors(aside.at, lacked))
    splits = past.known if len(near) else tuple(sorted({*past.known, *since}))
    same = near.bars.where(np.isin(near.bars.at, aside.at))
    factor = in_price(aside.at, near.bars.at, near.split_factor, splits)
    return Held(one, aside, told, factor, same, Shares(lacked, splits, past.zone))


def land_released(connection: Connection, chosen: Sequence[Held], by: str, now: datetime) -> int:
    """Land the bars of findings, each series at once, let their days be gaps no more, and tell anew what was paid on them.

    Returns how many bars were written. Raises Conflict where two of them are for one time.
    """

    @cache
    def landing() -> int:
        return landings.begin(connection, now, attempt=None, by=by)

    by_series = _by_series(chosen)
    given = list(_landings(by_series))
    written = bars.land(connection, given, now, landing=landing)
    for one in given:
        Filling(connection, one.instrument_id, one.interval, now).settle(one.bars.at)
        aside, prices = _beside(one, by_series[one.instrument_id, one.interval])
        land_paid(connection, one.instrument_id, aside, prices, now=now, landing=landing)
    ask_again(connection, [(one.finding, one.told.at) for one in chosen if len(one.told)], now)
    return written


def _by_series(chosen: Sequence[Held]) -> dict[_Series, list[Held]]:
    found: dict[_Series, list[Held]] = {}
    for one in chosen:
        if one.finding.instrument_id is not None and one.finding.interval is not None:
            found.setdefault((one.finding.instrument_id, one.finding.interval), []).append(one)
    return found


def _beside(landed: bars.Landing, released: Sequence[Held]) -> tuple[list[Aside], InPrices]:
    """Whose payments are to be told anew with what was landed of a series, and in which shares."""
    attempts = ((one.finding.attempt_id, one) for one in released)
    aside = [Aside(attempt, one.told.at, one.shares.lacked) for attempt, one in attempts if attempt is not None]
    factor = np.ones(len(landed.bars)) if landed.split_factor is None else landed.split_factor
    shares = released[0].shares
    return aside, InPrices(landed.bars.at, factor, shares.known, landed.interval, shares.zone)


def _landings(by_series: Mapping[_Series, Sequence[Held]]) -> Iterator[bars.Landing]:
    for series, several in by_series.items():
        at = np.concatenate([one.told.at for one in several])
        factor = np.concatenate([one.split_factor for one in several])[np.argsort(at, kind="stable")]
        whole = joined([one.told for one in several])
        if (whole.at[1:] == whole.at[:-1]).any():
            raise Conflict(
                "Two of these findings hold different bars of one time: release the right one, reject the other."
            )
        yield bars.Landing(*series, whole, bars.APART, factor)
