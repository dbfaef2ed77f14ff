"""What is kept beside the bars: corporate actions, facts, profiles, sessions and findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select, tuple_

from stockjobs.domain import ids
from stockjobs.domain.bars import CorporateAction, FactsReply
from stockjobs.domain.intervals import Interval
from stockjobs.domain.sessions import Session
from stockjobs.store import tables
from stockjobs.store.statements import insert_if_absent, upsert


def land_actions(connection: Connection, instrument: int, actions: Sequence[CorporateAction], now: datetime) -> int:
    """Write splits and dividends; one whose value changed is written anew. Returns how many were new or differed."""
    table, written = tables.corporate_actions, 0
    for action in actions:
        insert = upsert(connection, table).values(instrument_id=instrument, seen_at=now, **asdict(action))
        changed = insert.on_conflict_do_update(
            index_elements=["instrument_id", "kind", "at"],
            set_={"value": insert.excluded.value, "seen_at": insert.excluded.seen_at},
            where=table.c.value != insert.excluded.value,
        )
        written += connection.execute(changed).rowcount
    return written


def land_facts(connection: Connection, instrument: int, reply: FactsReply, now: datetime) -> int:
    """Write the figures of a company: every distinct one is kept, with when it was first and last seen.

    Returns how many were new.
    """
    table = tables.facts
    rows = [{"instrument_id": instrument, "first_seen": now, "last_seen": now, **asdict(fact)} for fact in reply.facts]
    written = insert_if_absent(connection, table, rows)
    if rows:
        seen = table.update().where(table.c.instrument_id == instrument, table.c.last_seen < now)
        for start in range(0, len(reply.facts), 200):
            group = reply.facts[start : start + 200]
            keys = [(fact.metric, fact.period, fact.as_of, fact.value, fact.currency) for fact in group]
            connection.execute(seen.where(_fact_key(table).in_(keys)).values(last_seen=now))
    if reply.profile:
        _land_profile(connection, instrument, reply.profile, now)
    return written


def _fact_key(table: Any) -> Any:
    return tuple_(table.c.metric, table.c.period, table.c.as_of, table.c.value, table.c.currency)


def _land_profile(connection: Connection, instrument: int, fields: dict[str, str], now: datetime) -> None:
    insert = upsert(connection, tables.profiles).values(instrument_id=instrument, fields=fields, seen_at=now)
    changed = {"fields": insert.excluded.fields, "seen_at": insert.excluded.seen_at}
    connection.execute(insert.on_conflict_do_update(index_elements=["instrument_id"], set_=changed))


@dataclass(frozen=True)
class Finding:
    """Something wrong with data, with its evidence."""

    kind: str
    symbol: str
    reason: str
    instrument_id: int | None = None
    interval: Interval | None = None
    at: datetime | None = None
    attempt_id: UUID | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


def land_findings(connection: Connection, found: Sequence[Finding], now: datetime) -> int:
    """Write findings; one that was found before with the same evidence is left as it is. Returns how many were new."""
    return insert_if_absent(connection, tables.findings, [_finding_row(finding, now) for finding in found])


def _finding_row(finding: Finding, now: datetime) -> dict[str, Any]:
    place = (finding.symbol, finding.interval, finding.at)
    values = {
        name: getattr(finding, name)
        for name in ("kind", "symbol", "reason", "instrument_id", "at", "attempt_id", "evidence")
    }
    return {
        **values,
        "id": ids.finding_id(finding.kind, *place, finding.reason, sorted(finding.evidence.items())),
        "interval_s": finding.interval.seconds if finding.interval else None,
        "created_at": now,
    }


def land_sessions(connection: Connection, found: Sequence[Session]) -> int:
    """Write trading sessions. Returns how many were new."""
    return insert_if_absent(connection, tables.sessions, [asdict(session) for session in found])


def sessions(connection: Connection, exchange: str, first: date, last: date) -> Sequence[Session]:
    """The stored sessions of an exchange from the first to the last day, both included."""
    table = tables.sessions
    query = select(table).where(table.c.exchange == exchange, table.c.day.between(first, last)).order_by(table.c.day)
    return [Session(**row) for row in connection.execute(query).mappings()]


@dataclass(frozen=True)
class Holding:
    """What is stored of one symbol at one interval."""

    symbol: str
    interval: Interval
    bars: int
    first: datetime
    last: datetime
    last_close: float
    currency: str


def holdings(connection: Connection, wanted: Sequence[str] = ()) -> Sequence[Holding]:
    """What is stored, per symbol and interval; of some symbols or of all."""
    bars, symbols, instruments = tables.bars, tables.symbols, tables.instruments
    groups = select(
        bars.c.instrument_id,
        bars.c.interval_s,
        func.count().label("bars"),
        func.min(bars.c.at).label("first"),
        func.max(bars.c.at).label("last"),
    ).group_by(bars.c.instrument_id, bars.c.interval_s)
    if wanted:
        bearers = select(symbols.c.instrument_id).where(symbols.c.symbol.in_(wanted), symbols.c.valid_to.is_(None))
        groups = groups.where(bars.c.instrument_id.in_(bearers))
    spans = groups.subquery()
    query = (
        select(
            symbols.c.symbol,
            spans.c.interval_s,
            spans.c.bars,
            spans.c.first,
            spans.c.last,
            bars.c.close,
            instruments.c.currency,
        )
        .join(symbols, (symbols.c.instrument_id == spans.c.instrument_id) & symbols.c.valid_to.is_(None))
        .join(instruments, instruments.c.id == spans.c.instrument_id)
        .join(
            bars,
            (bars.c.instrument_id == spans.c.instrument_id)
            & (bars.c.interval_s == spans.c.interval_s)
            & (bars.c.at == spans.c.last),
        )
        .order_by(symbols.c.symbol, spans.c.interval_s)
    )
    if wanted:
        query = query.where(symbols.c.symbol.in_(wanted))
    return [
        Holding(symbol, Interval.from_seconds(seconds), count, first, last, close, currency)
        for symbol, seconds, count, first, last, close, currency in connection.execute(query)
    ]
