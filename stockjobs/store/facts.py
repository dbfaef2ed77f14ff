"""The figures and the profile of a company."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, tuple_

from stockjobs.domain.bars import FactsReply
from stockjobs.store import tables
from stockjobs.store.statements import insert_if_absent, upsert


def land(connection: Connection, instrument: int, reply: FactsReply, now: datetime) -> int:
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
