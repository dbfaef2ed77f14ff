"""The figures and the profile of a company.

Every distinct figure is kept, a restated one beside the one that it replaces. A figure was last seen when the source last
answered, as long as all answers since have been alike; so only an answer that differs from the one before writes figures,
and an equal one a single row. `fundamentals.changed_at` is when an answer last differed: the figures that were last seen
since then are those of the last answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, tuple_, update

from stockjobs.domain.asking.reporting import Reported
from stockjobs.domain.market.bars import Fact, FactsReply
from stockjobs.store import tables
from stockjobs.store.market import instruments
from stockjobs.store.statements import insert_if_absent, is_in, upsert

_facts, _fundamentals, _profiles, _symbols = tables.facts, tables.fundamentals, tables.profiles, tables.symbols
_AT_ONCE = 200


@dataclass(frozen=True)
class _Answers:
    """When the source last answered, and since when its answers have been alike."""

    asked_at: datetime
    changed_at: datetime
    newest_as_of: date | None


def land(connection: Connection, instrument: int, reply: FactsReply, now: datetime) -> int:
    """Write the figures and the profile of a company. Returns how many figures were new.

    An empty answer removes nothing: it ends the time for which the figures were seen.
    """
    before = _answers(connection, instrument)
    given = set(reply.facts)
    written = 0
    if before is None or given != _current(connection, instrument, before):
        written = _change(connection, instrument, given, before, now)
        changed_at = now
    else:
        changed_at = before.changed_at
    if reply.profile:
        _land_profile(connection, instrument, reply.profile, now)
    newest = _newest_period(reply.facts) or (before.newest_as_of if before else None)
    _put(connection, instrument, _Answers(now, changed_at, newest))
    return written


def land_nothing(connection: Connection, provider: str, symbol: str, now: datetime) -> None:
    """Write down that the source had nothing for a symbol, if it is known; it removes nothing."""
    known = instruments.by_symbol(connection, provider, [symbol]).get(symbol)
    if known is not None:
        land(connection, known.id, FactsReply(symbol, ()), now)


def reported(connection: Connection, provider: str, symbols: Sequence[str]) -> dict[str, Reported]:
    """What is known of the reports of those of these symbols whose source has answered."""
    query = (
        select(_symbols.c.symbol, _fundamentals.c.asked_at, _fundamentals.c.newest_as_of)
        .join(_fundamentals, _fundamentals.c.instrument_id == _symbols.c.instrument_id)
        .where(_symbols.c.provider == provider, is_in(_symbols.c.symbol, symbols), _symbols.c.valid_to.is_(None))
    )
    return {symbol: Reported(asked_at, newest) for symbol, asked_at, newest in connection.execute(query)}


def _answers(connection: Connection, instrument: int) -> _Answers | None:
    query = select(_fundamentals).where(_fundamentals.c.instrument_id == instrument)
    row = connection.execute(query).mappings().one_or_none()
    return _Answers(row["asked_at"], row["changed_at"] or row["asked_at"], row["newest_as_of"]) if row else None


def _current(connection: Connection, instrument: int, answers: _Answers) -> set[Fact]:
    """The figures of the last answer."""
    is_current = (_facts.c.instrument_id == instrument, _facts.c.last_seen >= answers.changed_at)
    return {_fact(row) for row in connection.execute(select(_facts).where(*is_current)).mappings()}


def _change(connection: Connection, instrument: int, given: set[Fact], before: _Answers | None, now: datetime) -> int:
    """Write an answer that differs from the one before."""
    mine = update(_facts).where(_facts.c.instrument_id == instrument)
    if before is not None:
        # What is not given any more was given at the last answer.
        was_current = (_facts.c.last_seen >= before.changed_at, _facts.c.last_seen < before.asked_at)
        connection.execute(mine.where(*was_current).values(last_seen=before.asked_at))
    ordered = sorted(given, key=lambda fact: (fact.metric, fact.period, fact.as_of, fact.value, fact.currency))
    rows = [{"instrument_id": instrument, "first_seen": now, "last_seen": now, **asdict(fact)} for fact in ordered]
    written = insert_if_absent(connection, _facts, rows)
    for start in range(0, len(ordered), _AT_ONCE):
        keys = [tuple(asdict(fact).values()) for fact in ordered[start : start + _AT_ONCE]]
        seen = mine.where(_facts.c.last_seen < now, _key().in_(keys))
        connection.execute(seen.values(last_seen=now))
    return written


def _key() -> ColumnElement[Any]:
    return tuple_(*(_facts.c[name] for name in Fact.__dataclass_fields__))


def _fact(row: Any) -> Fact:
    return Fact(**{name: row[name] for name in Fact.__dataclass_fields__})


def _newest_period(found: Sequence[Fact]) -> date | None:
    """The last day of the newest quarter, of the newest period of any kind where no quarters are reported."""
    quarters = [fact.as_of for fact in found if fact.period == "quarterly"]
    return max(quarters or [fact.as_of for fact in found], default=None)


def _put(connection: Connection, instrument: int, answers: _Answers) -> None:
    insert = upsert(connection, _fundamentals).values(instrument_id=instrument, **asdict(answers))
    changed = {name: insert.excluded[name] for name in _Answers.__dataclass_fields__}
    connection.execute(insert.on_conflict_do_update(index_elements=["instrument_id"], set_=changed))


def _land_profile(connection: Connection, instrument: int, fields: dict[str, str], now: datetime) -> None:
    """Write a profile, if it differs."""
    known = connection.execute(select(_profiles.c.fields).where(_profiles.c.instrument_id == instrument)).scalar()
    if known == fields:
        return
    insert = upsert(connection, _profiles).values(instrument_id=instrument, fields=fields, seen_at=now)
    changed = {"fields": insert.excluded.fields, "seen_at": insert.excluded.seen_at}
    connection.execute(insert.on_conflict_do_update(index_elements=["instrument_id"], set_=changed))
