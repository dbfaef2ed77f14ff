"""Concerns: what is seldom there about instruments; a landing asks for all of it at once, and reads only what there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, exists, select

from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.store import tables
from stockjobs.store.statements import as_written, is_among

_findings, _gaps = tables.findings, tables.gaps


@dataclass(frozen=True)
class Concerns:
    """Whether instruments have gaps, findings that are open, and series that were restated since an instant."""

    gaps: bool = True
    open_findings: bool = True
    restated: bool = True


EVERY_CONCERN = Concerns()
"""For who has not asked: all of it may be there."""

# Made once, as it is asked in each landing. States and kinds are in the statement's text, as in the partial index.
_OF = select(
    exists().where(is_among(_gaps.c.instrument_id, "instruments")),
    exists().where(
        is_among(_findings.c.instrument_id, "instruments"), _findings.c.state == as_written(FindingState.OPEN)
    ),
    exists().where(
        is_among(_findings.c.instrument_id, "instruments"),
        _findings.c.kind == as_written(FindingKind.RESTATEMENT),
        _findings.c.created_at > bindparam("since"),
    ),
)


def of(connection: Connection, instruments: Sequence[int], since: datetime) -> Concerns:
    """What there is about any of some instruments."""
    gaps, open_findings, restated = connection.execute(_OF, {"instruments": list(instruments), "since": since}).one()
    return Concerns(bool(gaps), bool(open_findings), bool(restated))
