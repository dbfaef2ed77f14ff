"""What is missing from an answer: times that the source served without prices, bars and trading days that it left out.

It is written down as gaps, so that the source is not asked for the same each night, and told once where a whole trading day
has no bar. An answer that has everything costs a look at the sessions, and no SQL of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.market.coverage import SETTLED_AFTER, Cause, Slots, filled, is_missing, keys, slots
from stockjobs.domain.market.days import days_of
from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Seconds, Spans
from stockjobs.services.collecting.checking import Judged
from stockjobs.services.collecting.series import Step
from stockjobs.services.market.calendars import calendar_of, traded, zone_of
from stockjobs.store.database import Connection
from stockjobs.store.ledger import events
from stockjobs.store.ledger.claims import Claim
from stockjobs.store.market import coverage, gaps, trading_days
from stockjobs.store.market.findings import Finding
from stockjobs.store.market.gaps import Gap

_DAY, _DAY_S = timedelta(days=1), 86_400
_NEXT_SESSION = timedelta(days=14)
"""No market is closed for longer between two sessions, save in wars and revolutions."""


def watch(step: Step, judged: Judged, came: Seconds) -> tuple[Finding, ...]:
    """Write down what the source does not have, so that it is not asked for again each night; returns what to tell of it.

    `came` are the times of the good bars of all answers that land with this one: a session may have come in two of them.
    """
    connection, claim, now = step.connection, step.claim, step.now
    request, instrument = judged.answer.request, judged.instrument
    known = _known(step, judged).get(instrument.id, {})
    spans = traded(connection, instrument.exchange, instrument.zone, request.start, min(request.end, now))
    if spans is None or request.interval.seconds > Interval.D1.seconds:
        _write_nulls(connection, judged, known, now)
        return ()
    if not known and not len(judged.checked.null_at) and _has_all(judged, spans, now):
        return ()
    found = _Look(connection, claim, judged, came, now, spans).found()
    _write(connection, judged, found, known, now)
    return _without_rows(connection, claim, judged, found, now)


def _known(step: Step, judged: Judged) -> Mapping[int, Mapping[date, Gap]]:
    """The gaps of all instruments of a landing; of one whose symbol is another by now its own."""
    interval, symbol = judged.answer.request.interval, judged.instrument.symbol
    if symbol in step.claim.symbols and interval is step.claim.interval:
        return step.known_gaps
    return gaps.of_symbols(step.connection, step.claim.spec.provider, [symbol], interval)


def _has_all(judged: Judged, spans: Spans, now: datetime) -> bool:
    """True if nothing can be missing: no session inside the window is over, or each has its daily bar."""
    settled = int(np.searchsorted(spans.close, (now - SETTLED_AFTER).timestamp()))
    if settled == 0:
        return True
    if judged.answer.request.interval.is_intraday:
        return False
    # A session's bar stands in the day up to its close; one of another day does not stand for it.
    closes, at = spans.close[:settled], judged.good.at
    return bool((np.searchsorted(at, closes) > np.searchsorted(at, closes - _DAY_S)).all())


def _write_nulls(connection: Connection, judged: Judged, known: Mapping[date, Gap], now: datetime) -> None:
    """Without a calendar, and for weeks and months, only the times that the source named itself are known to be missing."""
    instrument, interval, null_at = judged.instrument, judged.answer.request.interval, judged.checked.null_at
    if not known and not len(null_at):
        return
    zone = zone_of(instrument)
    over = null_at[null_at < (now - max(_DAY, interval.length)).timestamp()]
    days, count = np.unique(days_of(over, interval, zone), return_counts=True)
    found = [
        Gap(instrument.id, interval, day, missing, Cause.SOURCE_NULL, now, 1, now)
        for day, missing in zip(days.tolist(), count.tolist(), strict=True)
    ]
    gaps.land(connection, [gap for gap in found if _is_news(gap, known.get(gap.day), now)])
    filled = {*known} & {*days_of(judged.good.at, interval, zone).tolist()} - {gap.day for gap in found}
    gaps.clear(connection, instrument.id, interval, sorted(filled))


@dataclass(frozen=True, eq=False)
class _Found:
    """The sessions that were looked at: how many bars of each are missing and why, and whether it has none at all."""

    spans: Spans
    missing: Seconds
    is_empty: NDArray[np.bool_]
    cause: tuple[Cause, ...]


@dataclass(frozen=True, eq=False)
class _Look:
    """A closer look at an answer from which something is missing."""

    connection: Connection
    claim: Claim
    judged: Judged
    came: Seconds
    now: datetime
    spans: Spans

    def found(self) -> _Found:
        """What is missing of each session that is over and was asked for."""
        request = self.judged.answer.request
        asked = self.spans.at(self._was_asked())
        expected = slots(asked, request.interval)
        lacks = is_missing(expected, self._filled(self.came, asked))
        if lacks.any():
            lacks &= is_missing(expected, self._filled(self._stored(asked), asked))
        missing = np.bincount(expected.session[lacks], minlength=len(asked))
        wanted = np.bincount(expected.session, minlength=len(asked))
        return _Found(asked, missing, missing == wanted, self._causes(asked, expected, lacks))

    def _was_asked(self) -> NDArray[np.bool_]:
        """The sessions that are over and in the window with all their bars, or whose beginning was asked for earlier."""
        request, spans = self.judged.answer.request, self.spans
        settled = spans.close + int(SETTLED_AFTER.total_seconds()) < self.now.timestamp()
        since = max(request.start.timestamp(), self._first_trade())
        if not request.interval.is_intraday:
            return np.asarray(settled & (spans.open >= since) & (spans.open < request.end.timestamp()))
        is_asked = spans.open >= since
        if self.claim.window_start is None and not is_asked.all() and self._goes_on(request.start):
            # Earlier runs have asked for the beginning of a session, unless the series itself begins within it.
            is_asked |= (spans.close > since) & (spans.open >= self._oldest_bar())
        return np.asarray(settled & is_asked & (spans.close <= request.end.timestamp()))

    def _goes_on(self, start: datetime) -> bool:
        """True if what came before a request was asked for: not where it begins at what the source still keeps, after an outage.

        Either an answer that lands with it was about the time before, or what was stored until now reaches into it.
        """
        if len(self.came) and self.came[0] < start.timestamp():
            return True
        interval = self.judged.answer.request.interval
        newest = trading_days.newest_bar(self.connection, self.judged.instrument.id, interval)
        return newest is None or newest >= start

    def _first_trade(self) -> float:
        """The time before which nothing is expected."""
        identity = self.judged.answer.reply.identity
        if identity is not None and identity.first_trade_at is not None:
            return identity.first_trade_at.timestamp()
        return self._oldest_bar()

    def _oldest_bar(self) -> float:
        """The time of the first bar that is stored, or has come."""
        interval = self.judged.answer.request.interval
        stored = trading_days.oldest_bar(self.connection, self.judged.instrument.id, interval)
        came = self.judged.answer.reply.bars.at
        first = [*(came[:1].tolist()), *([stored.timestamp()] if stored else [])]
        return min(first, default=self.now.timestamp())

    def _stored(self, asked: Spans) -> Seconds:
        start, end = (datetime.fromtimestamp(int(at), UTC) for at in (asked.open[0], asked.close[-1]))
        interval = self.judged.answer.request.interval
        return coverage.times(self.connection, self.judged.instrument.id, interval, start - _DAY, end)

    def _keys(self, at: Seconds, asked: Spans) -> Seconds:
        return keys(at, asked, self.judged.answer.request.interval, zone_of(self.judged.instrument))

    def _filled(self, at: Seconds, asked: Spans) -> Seconds:
        return filled(at, asked, self.judged.answer.request.interval, zone_of(self.judged.instrument))

    def _causes(self, asked: Spans, expected: Slots, lacks: NDArray[np.bool_]) -> tuple[Cause, ...]:
        """For each session the cause of most of what is missing."""
        checked = self.judged.checked
        is_null = lacks & ~is_missing(expected, self._keys(checked.null_at, asked))
        is_aside = lacks & ~is_null & ~is_missing(expected, self._keys(self.judged.aside_at, asked))
        is_absent = lacks & ~is_null & ~is_aside
        counts = [np.bincount(expected.session[mask], minlength=len(asked)) for mask in (is_null, is_aside, is_absent)]
        return tuple(_CAUSES[place] for place in np.argmax(counts, axis=0).tolist()) if len(asked) else ()


_CAUSES = (Cause.SOURCE_NULL, Cause.SET_ASIDE, Cause.SOURCE_ABSENT)


def _write(connection: Connection, judged: Judged, found: _Found, known: Mapping[date, Gap], now: datetime) -> None:
    """Bring the gaps of an instrument to what was found; what has got its bars is removed, and its findings are mended."""
    instrument, interval = judged.instrument.id, judged.answer.request.interval
    days, opens = found.spans.day.tolist(), found.spans.open.tolist()
    new = [
        Gap(instrument, interval, day, missing, cause, now, 1, now)
        for day, missing, cause in zip(days, found.missing.tolist(), found.cause, strict=True)
        if missing
    ]
    gaps.land(connection, [gap for gap in new if _is_news(gap, known.get(gap.day), now)])
    if known:
        has_rows = [place for place in np.flatnonzero(~found.is_empty).tolist() if days[place] in known]
        gaps.clear(connection, instrument, interval, [days[place] for place in has_rows if not found.missing[place]])
        trading_days.mend(
            connection, instrument, interval, [datetime.fromtimestamp(opens[place], UTC) for place in has_rows], now
        )


def _is_news(gap: Gap, known: Gap | None, now: datetime) -> bool:
    if known is None or (known.missing, known.cause) != (gap.missing, gap.cause):
        return True
    return known.asked_at <= now - gaps.COUNTS_AGAIN_AFTER


def _without_rows(
    connection: Connection, claim: Claim, judged: Judged, found: _Found, now: datetime
) -> tuple[Finding, ...]:
    """A finding, and an event, for each whole trading day without a bar; yesterday's may come until the next session opens."""
    interval = judged.answer.request.interval
    empty = np.flatnonzero(found.is_empty)
    if claim.window_start is not None or interval.seconds > Interval.D1.seconds or not len(empty):
        return ()
    opened = traded(connection, judged.instrument.exchange, judged.instrument.zone, now - _NEXT_SESSION, now)
    newest = int(opened.open[-1]) if opened is not None and len(opened) else 0
    # Of a bar that was set aside, its own finding tells.
    told_of = [place for place in empty.tolist() if found.cause[place] is not Cause.SET_ASIDE]
    overdue = [place for place in told_of if found.spans.open[place] < newest]
    if not overdue or trading_days.is_doubted(connection, claim.spec.provider, judged.instrument.symbol):
        return ()
    findings = {one.id: one for one in (_finding(claim, judged, found, place) for place in overdue)}
    told = trading_days.told(connection, list(findings))
    fresh = tuple(one for id, one in findings.items() if id not in told)
    events.append(connection, *(_event(claim, one, now) for one in fresh))
    return fresh


def _finding(claim: Claim, judged: Judged, found: _Found, place: int) -> Finding:
    instrument, interval = judged.instrument, judged.answer.request.interval
    day = found.spans.day[place].item()
    return Finding(
        kind=FindingKind.NO_ROWS,
        symbol=instrument.symbol,
        reason=f"no {interval} bar on {day:%Y-%m-%d}, a trading day of {calendar_of(instrument.exchange)}",
        instrument_id=instrument.id,
        interval=interval,
        at=datetime.fromtimestamp(int(found.spans.open[place]), UTC),
        job_id=claim.job_id,
        attempt_id=claim.attempt_id,
        evidence={"day": day.isoformat()},
    )


def _event(claim: Claim, finding: Finding, now: datetime) -> Event:
    about = {
        "job": claim.job,
        "symbol": finding.symbol,
        "interval": finding.interval.value if finding.interval else None,
        "day": finding.evidence["day"],
    }
    return Event(EventName.NO_ROWS, now, claim.job_id, claim.occurrence_id, claim.task_id, claim.attempt_id, data=about)
