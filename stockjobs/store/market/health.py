"""What is thought of symbols that their provider did not know; whoever was always known has no row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select, update

from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.market.symbol_health import Health, Standing
from stockjobs.errors import SymbolUnknown
from stockjobs.store import tables
from stockjobs.store.market import findings
from stockjobs.store.statements import is_among, is_in, upsert

_health, _tasks, _attempts, _findings = tables.symbol_health, tables.tasks, tables.attempts, tables.findings
_FIELDS = tuple(Standing.__dataclass_fields__)

LATELY = timedelta(hours=6)
"""How far back others count, where an attempt asked for nothing else."""

_OTHERS = 50

# Made once: for a statement that is asked several times an attempt, SQLAlchemy takes as long to build it as to run it.
_OF = (
    select(_health)
    .where(_health.c.provider == bindparam("of"), is_among(_health.c.symbol, "symbols"))
    .order_by(_health.c.symbol)
)
_OF_LOCKED = _OF.with_for_update()


def of(connection: Connection, provider: str, symbols: Sequence[str], *, locked: bool = False) -> dict[str, Standing]:
    """What is thought of some symbols, in their order; those that were always known are left out."""
    asked = {"of": provider, "symbols": list(symbols)}
    rows = connection.execute(_OF_LOCKED if locked else _OF, asked).mappings()
    return {row["symbol"]: _standing(dict(row)) for row in rows}


def every(connection: Connection) -> dict[tuple[str, str], Standing]:
    """What is thought of all symbols that were unknown once, by provider and symbol."""
    return {
        (row["provider"], row["symbol"]): _standing(dict(row)) for row in connection.execute(select(_health)).mappings()
    }


def successors(connection: Connection, provider: str) -> dict[str, str]:
    """By which symbol each that was renamed at a provider is asked for."""
    query = select(_health.c.symbol, _health.c.successor).where(
        _health.c.provider == provider, _health.c.successor.is_not(None)
    )
    return {row.symbol: row.successor for row in connection.execute(query)}


def _standing(row: Mapping[str, object]) -> Standing:
    return Standing(**{**{name: row[name] for name in _FIELDS}, "state": Health(str(row["state"]))})  # type: ignore[arg-type]  # a row


def write(connection: Connection, provider: str, standings: Mapping[str, Standing], now: datetime) -> None:
    """Write down what is thought of symbols from now on."""
    if not standings:
        return
    statement = upsert(connection, _health)
    names = ("state", "unknown_days", "first_unknown_on", "last_unknown_on", "reason", "successor", "changed_at")
    changed = statement.on_conflict_do_update(
        index_elements=["provider", "symbol"], set_={name: statement.excluded[name] for name in names}
    )
    rows = [
        {"provider": provider, "symbol": symbol, "changed_at": now, **asdict(one), "state": one.state.value}
        for symbol, one in sorted(standings.items())
    ]
    connection.execute(changed, rows)


def follow(connection: Connection, provider: str, old: str, new: str) -> None:
    """Let what was renamed to one symbol be asked for by another, to which that one is renamed in turn."""
    which = (_health.c.provider == provider, _health.c.successor == old)
    connection.execute(update(_health).where(*which).values(successor=new))


def others_fine(connection: Connection, provider: str, attempt: UUID, now: datetime) -> bool:
    """True if lately at least as many attempts at a provider brought rows as found a symbol unknown, and one at least did."""
    newest = (
        select(_tasks.c.id)
        .where(_tasks.c.provider == provider, _tasks.c.created_at >= now - LATELY - timedelta(days=1))
        .order_by(_tasks.c.created_at.desc())
        .limit(_OTHERS)
    )
    ended = select(
        func.count().filter(_attempts.c.rows_received > 0),
        func.count().filter(_attempts.c.error_kind == SymbolUnknown.kind, _attempts.c.rows_received == 0),
    ).where(_attempts.c.task_id.in_(newest), _attempts.c.finished_at >= now - LATELY, _attempts.c.id != attempt)
    fine, unknown = connection.execute(ended).one()
    return bool(fine and fine >= unknown)


def mend_findings(connection: Connection, symbols: Sequence[str], by: str, now: datetime) -> None:
    """Close the open findings that symbols are suspect or dead."""
    which = (_findings.c.kind == FindingKind.SYMBOL.value, is_in(_findings.c.symbol, symbols))
    findings.mend_where(connection, *which, by=by, now=now)
