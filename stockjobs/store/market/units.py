"""The unit in which prices of an instrument are kept."""

from __future__ import annotations

from sqlalchemy import Connection, Table, update

from stockjobs.domain.market.bars import PRICES
from stockjobs.store import tables

_actions = tables.corporate_actions


def convert(connection: Connection, instrument: int, ratio: float) -> int:
    """Multiply all that is kept of an instrument's prices and payments: stored, replaced and set aside. Returns how many bars
    are stored.

    It is the same money in another unit, so what was known at any time is told in that unit too.
    """
    for table in (tables.bar_versions, tables.quarantined_bars):
        _multiply(connection, table, instrument, ratio)
    payments = update(_actions).where(_actions.c.instrument_id == instrument, _actions.c.kind != "split")
    connection.execute(payments.values(value=_actions.c.value * ratio))
    return _multiply(connection, tables.bars, instrument, ratio)


def _multiply(connection: Connection, table: Table, instrument: int, ratio: float) -> int:
    prices = {name: table.c[name] * ratio for name in PRICES}
    return connection.execute(update(table).where(table.c.instrument_id == instrument).values(prices)).rowcount
