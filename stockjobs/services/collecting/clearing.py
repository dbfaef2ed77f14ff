"""Clearing: one look at all answers of a market says of which the rules need not be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Spans
from stockjobs.domain.market.validation import Context
from stockjobs.domain.market.validation.clearing import Neighboured
from stockjobs.domain.market.validation.clearing import cleared as all_clear
from stockjobs.services.collecting.vetting import Vetted
from stockjobs.services.market import calendars
from stockjobs.store.database import Connection
from stockjobs.store.market.bar_rows import Span
from stockjobs.store.market.instruments import Instrument
from stockjobs.store.market.tails import Beside

_DAY = timedelta(days=1)


def cleared(
    connection: Connection, vetted: Sequence[Vetted], beside: Mapping[int, Beside], now: datetime
) -> frozenset[int]:
    """The answers without actions, by identity, that break no rule, as one look at all of a market tells."""
    markets: dict[tuple[str, str, Interval], list[Vetted]] = {}
    for one in vetted:
        # Splits and payments are judged by what is known around them, and the bars beside them with that.
        if id(one) in beside and not one.answer.reply.actions:
            instrument, interval = one.instrument, one.answer.request.interval
            markets.setdefault((instrument.exchange, instrument.zone, interval), []).append(one)
    return frozenset(
        id(one)
        for those in markets.values()
        for one, is_clear in zip(those, _clear_of_market(connection, those, beside, now), strict=True)
        if is_clear
    )


def _clear_of_market(
    connection: Connection, vetted: Sequence[Vetted], beside: Mapping[int, Beside], now: datetime
) -> list[bool]:
    instrument, spans = vetted[0].instrument, [span_of(one) for one in vetted]
    first, last = min(one.first for one in spans), max(one.last for one in spans)
    sessions = sessions_around(connection, instrument, first, last)
    if sessions is None and any(
        sessions_around(connection, instrument, one.first, one.last) is not None for one in spans if len(spans) > 1
    ):
        # The calendar reaches some of them, and not all.
        return [False] * len(vetted)
    common = Context(now, spans[0].interval, calendars.zone_of(instrument), sessions)
    around = [beside[id(one)] for one in vetted]
    given = [
        Neighboured(one.answer.reply.bars, near.before, near.after) for one, near in zip(vetted, around, strict=True)
    ]
    return all_clear(given, common)


def sessions_around(connection: Connection, instrument: Instrument, first: int, last: int) -> Spans | None:
    """The sessions from a day before a first bar to a day after a last."""
    start, end = (datetime.fromtimestamp(at, UTC) for at in (first, last))
    return calendars.traded(connection, instrument.exchange, instrument.zone, start - _DAY, end + _DAY)


def span_of(vetted: Vetted) -> Span:
    """The span of the bars that came."""
    # In whatever order they came.
    at = vetted.answer.reply.bars.at
    return Span(vetted.instrument.id, vetted.answer.request.interval, int(at.min()), int(at.max()))
