"""Findings: what is wrong with data, with its evidence, and the bars that were set aside for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from math import isfinite
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, and_, bindparam, literal_column, or_, select, update

from stockjobs.domain import ids
from stockjobs.domain.market.bars import COLUMNS, NO_VOLUME, PRICES, Bars, Seconds
from stockjobs.domain.market.days import REACH, bar_numbers
from stockjobs.domain.market.findings import FindingKind, FindingState, may_become
from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.market import disagreements
from stockjobs.store.market.bar_rows import Span
from stockjobs.store.statements import as_written, insert_many, insert_new, is_among, is_in


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

    @cached_property
    def id(self) -> UUID:
        """The same evidence of the same thing has the same id, however often it is seen.

        What it is about is the instrument: two may bear one symbol, each at another provider, and one may change its own.
        """
        whom = self.symbol if self.instrument_id is None else f"instrument {self.instrument_id}"
        return ids.finding_id(self.kind, whom, self.interval, self.at, self.reason, sorted(self.evidence.items()))


_findings = tables.findings
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


def land(connection: Connection, found: Sequence[Finding], now: datetime) -> frozenset[UUID]:
    """Write findings with the bars that were set aside for them; one that was found before with the same evidence is left as
    it is. Returns the ids of those that are new.
    """
    each = {finding.id: finding for finding in found}
    new = insert_new(connection, _findings, [_row(finding, now) for finding in each.values()])
    seen = [one for key, one in each.items() if key not in new and one.state is FindingState.OPEN]
    open_again(connection, [one.id for one in seen])
    disagreements.forget_good(connection, [one.id for one in seen if one.kind is FindingKind.VARYING_RATIO])
    aside = [row for key in new for row in _rows(each[key])]
    insert_many(connection, tables.quarantined_bars, aside)
    return frozenset(new)


def open_again(connection: Connection, seen: Sequence[UUID]) -> frozenset[UUID]:
    """Open those of some findings that were put right, and are wrong again just as before. Returns their ids."""
    if not seen:
        return frozenset()
    undecided = {"state": FindingState.OPEN.value, "decided_at": None, "decided_by": None}
    was_mended = _findings.c.state == FindingState.MENDED.value
    again = update(_findings).where(is_in(_findings.c.id, seen), was_mended).values(undecided).returning(_findings.c.id)
    return frozenset(connection.execute(again).scalars())


def released(connection: Connection, found: Sequence[Finding]) -> frozenset[UUID]:
    """Those of some findings about bars of one instrument and interval that somebody has released before.

    A bar is the same whose prices are; its volume may have been revised since.
    """
    first = found[0]
    columns = (_findings.c.at, _findings.c.rule, _findings.c.evidence)
    query = select(*columns).where(
        _findings.c.instrument_id == first.instrument_id,
        _findings.c.interval_s == (first.interval.seconds if first.interval else None),
        is_in(_findings.c.at, [one.at for one in found]),
        _findings.c.state == FindingState.RELEASED.value,
    )
    known = {(row.at, row.rule, _prices_of(row.evidence)) for row in connection.execute(query)}
    return frozenset(one.id for one in found if (one.at, one.rule, _prices_of(one.evidence)) in known)


Look = tuple[Any, ...]
"""How a bar looks: its time (epoch seconds) and its prices."""


def rejected(connection: Connection, span: Span) -> dict[Look, tuple[str, str]]:
    """The bars of a span that somebody has rejected, with the rule that each breaks and the reason.

    A bar is the same whose prices are, as of those that are released.
    """
    columns = (_findings.c.at, _findings.c.rule, _findings.c.reason, _findings.c.evidence)
    first, last = (datetime.fromtimestamp(at, UTC) for at in (span.first, span.last))
    query = select(*columns).where(
        _findings.c.instrument_id == span.instrument_id,
        _findings.c.interval_s == span.interval.seconds,
        _findings.c.at.between(first, last),
        _findings.c.kind == FindingKind.REJECTED_BAR.value,
        _findings.c.state == FindingState.REJECTED.value,
    )
    rows = connection.execute(query)
    return {_look(row.at, row.evidence): (row.rule or "", row.reason) for row in rows}


def look_of(finding: Finding) -> Look:
    """How the bar of a finding looks."""
    return _look(finding.at, finding.evidence)


def _look(at: datetime | None, evidence: Mapping[str, Any]) -> Look:
    return (int(at.timestamp()) if at else None, *_prices_of(evidence))


def _prices_of(evidence: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(evidence.get(name) for name in PRICES)


@dataclass(frozen=True, eq=False)
class Good:
    """Bars of an instrument and interval that have come as good ones: their times (epoch seconds), and the zone of their days."""

    instrument_id: int
    interval: Interval
    at: Seconds
    zone: tzinfo

    def is_of(self, at: Seconds) -> NDArray[np.bool_]:
        """Of some times which are those of these bars, or of their days, weeks or months."""
        theirs, mine = (bar_numbers(each, self.interval, self.zone) for each in (at, self.at))
        return np.isin(theirs, mine)


def mend(connection: Connection, landed: Sequence[Good], by: str, now: datetime) -> int:
    """Close the open findings about bars that have come as good ones since, wherever in their day, week or month; about whole
    answers whose bars all have, in however many landings, or stand as they came; and that the series came in another currency.

    Returns how many there were.
    """
    good = {(one.instrument_id, one.interval.seconds): one for one in landed if len(one.at)}
    if not good:
        return 0
    mended: list[UUID] = []
    about: dict[tuple[int, int], list[tuple[UUID, datetime]]] = {}
    whole: dict[tuple[int, int], list[tuple[UUID, datetime]]] = {}
    spanned = _spanned([*good.values()])
    for key, instrument, seconds, at, kind in connection.execute(_OPEN_BARS, spanned):
        if (instrument, seconds) not in good:
            continue
        if at is None:
            mended += [key] if kind == FindingKind.IDENTITY else []
        elif kind == FindingKind.VARYING_RATIO:
            whole.setdefault((instrument, seconds), []).append((key, at))
        elif kind == FindingKind.REJECTED_BAR:
            about.setdefault((instrument, seconds), []).append((key, at))
    for series, found in about.items():
        is_met = good[series].is_of(np.array([int(at.timestamp()) for _, at in found], dtype=np.int64))
        mended += [key for (key, _), met in zip(found, is_met.tolist(), strict=True) if met]
    for series, found in whole.items():
        met = disagreements.note_good(connection, [key for key, _ in found], good[series].is_of, now)
        mended += disagreements.over(connection, [key for key, at in found if key in met or at >= spanned["since"]])
    return decide(connection, mended, FindingState.MENDED, by, now)


def _spanned(good: Sequence[Good]) -> dict[str, Any]:
    """The instruments and seconds of intervals, and the first and the last time at which a bar of any of their days may stand."""
    first, last = (
        min(int(one.at.min()) - REACH.get(one.interval, 0) for one in good),
        max(int(one.at.max()) + REACH.get(one.interval, 0) for one in good),
    )
    return {
        "instruments": sorted({one.instrument_id for one in good}),
        "seconds": sorted({one.interval.seconds for one in good}),
        "since": datetime.fromtimestamp(first, UTC),
        "until": datetime.fromtimestamp(last, UTC),
    }


# Made once, as it is asked in each landing. The state is in the statement's text, as in the partial index. Kinds are told apart
# by who asks: with them SQLite would rather read all that were ever found of a kind. Whole answers may begin before the span.
_OPEN_BARS = select(*_findings.c["id", "instrument_id", "interval_s", "at", "kind"]).where(
    is_among(_findings.c.instrument_id, "instruments"),
    is_among(_findings.c.interval_s, "seconds"),
    _findings.c.state == as_written(FindingState.OPEN),
    or_(
        and_(
            _findings.c.at >= bindparam("since", type_=_findings.c.at.type),
            _findings.c.at <= bindparam("until", type_=_findings.c.at.type),
        ),
        and_(
            _findings.c.at < bindparam("since", type_=_findings.c.at.type),
            # As a sum of texts no index on kinds is meant.
            _findings.c.kind.concat(literal_column("''")) == as_written(FindingKind.VARYING_RATIO),
        ),
        _findings.c.at.is_(None),
    ),
)


def about_identity(instrument: int) -> tuple[ColumnElement[bool], ...]:
    """Of which findings it is that an answer was about something else than an instrument."""
    return _findings.c.instrument_id == instrument, _findings.c.kind == FindingKind.IDENTITY.value


def told_currencies(connection: Connection, instrument: int) -> frozenset[tuple[str, float]]:
    """The currencies and units in which answers about an instrument came that were set aside, until that is put right."""
    states = _findings.c.state.in_([FindingState.OPEN.value, FindingState.REJECTED.value])
    found = connection.execute(select(_findings.c.evidence).where(*about_identity(instrument), states)).scalars()
    # Findings about figures named a currency once; that of an instrument goes by its prices alone.
    return frozenset((one["currency"], one["unit"]) for one in found if "currency" in one and "facts" not in one)


def held_actions(connection: Connection, instrument: int) -> list[tuple[UUID, str, datetime]]:
    """The open findings about splits and payments of an instrument: the id of each, the kind of the action, and when it was."""
    columns = (_findings.c.id, _findings.c.evidence, _findings.c.at)
    query = select(*columns).where(
        _findings.c.instrument_id == instrument,
        _findings.c.state == as_written(FindingState.OPEN),
        _findings.c.kind == FindingKind.REJECTED_ACTION.value,
    )
    return [(row.id, row.evidence["action"], row.at) for row in connection.execute(query)]


def decide(connection: Connection, which: Sequence[UUID], state: FindingState, by: str, now: datetime) -> int:
    """Close findings that may still be decided so. Returns how many were: fewer than were given if others decided first."""
    if not which:
        return 0
    may_be = _findings.c.state.in_([one.value for one in may_become(state)])
    values = {"state": state.value, "decided_at": now, "decided_by": by}
    return connection.execute(update(_findings).where(is_in(_findings.c.id, which), may_be).values(values)).rowcount


def mend_where(connection: Connection, *which: ColumnElement[bool], by: str, now: datetime) -> int:
    """Close the open findings of which these conditions hold, as put right. Returns how many there were."""
    is_open = _findings.c.state == FindingState.OPEN.value
    mended = {"state": FindingState.MENDED.value, "decided_at": now, "decided_by": by}
    return connection.execute(update(_findings).where(*which, is_open).values(mended)).rowcount


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
        values = dict(zip(PRICES, map(_number, prices), strict=True))
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
