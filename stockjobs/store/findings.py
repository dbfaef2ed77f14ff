"""Findings: what is wrong with data, with its evidence, and the bars that were set aside for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from stockjobs.domain import ids
from stockjobs.domain.findings import FindingKind, FindingState
from stockjobs.domain.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.statements import insert_if_absent


@dataclass(frozen=True)
class Finding:
    """Something wrong with data, with its evidence."""

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


def land(connection: Connection, found: Sequence[Finding], now: datetime) -> int:
    """Write findings; one that was found before with the same evidence is left as it is. Returns how many were new."""
    return insert_if_absent(connection, tables.findings, [_row(finding, now) for finding in found])


def _row(finding: Finding, now: datetime) -> dict[str, Any]:
    return {
        **{name: getattr(finding, name) for name in _COLUMNS},
        "interval_s": finding.interval.seconds if finding.interval else None,
        "created_at": now,
    }
