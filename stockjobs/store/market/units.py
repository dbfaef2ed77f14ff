"""The unit in which prices of an instrument are kept."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, or_, select, update

from stockjobs.domain.market.bars import PRICES
from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.market.restatement import EXPLAINED
from stockjobs.domain.market.validation.levels import UNIT_JUMP
from stockjobs.store import tables

_actions, _aside, _findings = tables.corporate_actions, tables.quarantined_bars, tables.findings


def convert(connection: Connection, instrument: int, ratio: float) -> int:
    """Multiply all that is kept of an instrument's prices and payments: stored, replaced and set aside. Returns how many bars
    are stored.

    It is the same money in another unit, so what was known at any time is told in that unit too. What was set aside because it
    came in that unit stays as it came.
    """
    _multiply(connection, tables.bar_versions, instrument, ratio)
    _multiply(connection, _aside, instrument, ratio, _aside.c.finding_id.not_in(_in_it_already(instrument, ratio)))
    payments = update(_actions).where(_actions.c.instrument_id == instrument, _actions.c.kind != "split")
    connection.execute(payments.values(value=_actions.c.value * ratio))
    return _multiply(connection, tables.bars, instrument, ratio)


def _multiply(connection: Connection, table: Table, instrument: int, ratio: float, *which: ColumnElement[bool]) -> int:
    prices = {name: table.c[name] * ratio for name in PRICES}
    return connection.execute(update(table).where(table.c.instrument_id == instrument, *which).values(prices)).rowcount


def _in_it_already(instrument: int, ratio: float) -> Select[tuple[object]]:
    """The findings about bars that are off what is stored by this ratio: one by one, or all that came."""
    lowest, highest = ratio * (1 - EXPLAINED), ratio * (1 + EXPLAINED)

    def is_it(name: str) -> ColumnElement[bool]:
        told: ColumnElement[float] = _findings.c.evidence[name].as_float()
        return told.between(lowest, highest)

    by_one = and_(_findings.c.rule == UNIT_JUMP, is_it("factor"))
    of_all = and_(_findings.c.kind == FindingKind.VARYING_RATIO.value, is_it("lowest"), is_it("highest"))
    return select(_findings.c.id).where(_findings.c.instrument_id == instrument, or_(by_one, of_all))
