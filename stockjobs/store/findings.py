"""Findings: what is wrong with data, with its evidence, and the bars that were set aside for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from stockjobs.domain import ids
from stockjobs.domain.bars import COLUMNS, NO_VOLUME, Bars
from stockjobs.domain.findings import FindingKind, FindingState
from stockjobs.domain.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.statements import insert_many, insert_new


@dataclass(frozen=True)
class Finding:
    """Something wrong with data, with its evidence. `bars` are those that were set aside for it, as they came."""

    kind: FindingKind
    symbol: str
    reason: str
    instrument_id: int | None = None
    interval: Interval | None = None
    at: datetime | None = None
    rule: str | None = None
    job_id: UUID | None = None
    attempt_id: UUID | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    state: FindingState = FindingState.OPEN
    bars: Bars | None = field(default=None, compare=False)

    @property
    def id(self) -> UUID:
        """The same evidence of the same thing has the same id, however often it is seen."""
        place = (self.symbol, self.interval, self.at)
        return ids.finding_id(self.kind, *place, self.reason, sorted(self.evidence.items()))


_COLUMNS = (
    "id",
    "kind",
    "symbol",
    "reason",
    "instrument_id",
    "at",
    "rule",
    "job_id",
    "attempt_id",
    "evidence",
    "state",
)
_PRICES = ("open", "high", "low", "close")


def land(connection: Connection, found: Sequence[Finding], now: datetime) -> frozenset[UUID]:
    """Write findings with the bars that were set aside for them; one that was found before with the same evidence is left as
    it is. Returns the ids of those that are new.
    """
    each = {finding.id: finding for finding in found}
    new = insert_new(connection, tables.findings, [_row(finding, now) for finding in each.values()])
    aside = [row for key in new for row in _rows(each[key])]
    insert_many(connection, tables.quarantined_bars, aside)
    return frozenset(new)


def _row(finding: Finding, now: datetime) -> dict[str, Any]:
    return {
        **{name: getattr(finding, name) for name in _COLUMNS},
        "interval_s": finding.interval.seconds if finding.interval else None,
        "created_at": now,
    }


def _rows(finding: Finding) -> Iterator[dict[str, Any]]:
    if finding.bars is None or finding.instrument_id is None or finding.interval is None:
        return
    key = {
        "finding_id": finding.id,
        "instrument_id": finding.instrument_id,
        "interval_s": finding.interval.seconds,
    }
    columns = [getattr(finding.bars, name).tolist() for name in COLUMNS]
    for at, *prices, volume, provisional in zip(*columns, strict=True):
        values = dict(zip(_PRICES, map(_number, prices), strict=True))
        yield {
            **key,
            "at": datetime.fromtimestamp(at, UTC),
            **values,
            "volume": None if volume == NO_VOLUME else volume,
            "provisional": provisional,
        }


def _number(price: float) -> float | None:
    # Not every way into a database takes what is no number.
    return price if isfinite(price) else None
