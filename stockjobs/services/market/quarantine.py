"""Quarantine: bars that were set aside, and what becomes of them. They are released, rejected, or mended by the source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from uuid import UUID

import numpy as np

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.market.bars import PRICES, Bars
from stockjobs.domain.market.findings import EVERY_FINDING, FindingFilter, FindingState, may_become
from stockjobs.errors import Busy, Conflict
from stockjobs.services.market.releasing import land_released
from stockjobs.services.repetition import taken_twice_if_busy
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import definitions, events
from stockjobs.store.ledger.claims import Claim
from stockjobs.store.market import bars, findings, quarantine
from stockjobs.store.market.findings import Finding
from stockjobs.store.market.quarantine import Place, StoredFinding

BATCH = 500
"""So many findings are decided in one transaction, and a few more where several are about one bar."""

_NAMED = 20


def set_aside(
    connection: Connection, claim: Claim, found: Sequence[Finding], landed: Sequence[bars.Landing], now: datetime
) -> None:
    """Write the findings of a landing, tell of those that are new and hold bars, and close those that good bars have mended."""
    new = findings.land(connection, found, now) if found else frozenset()
    held = {one.id: one for one in found if one.id in new and one.bars is not None}
    if held:
        events.append(connection, _quarantined(claim, list(held.values()), now))
    if landed:
        good = [(one.instrument_id, one.interval, one.bars.at) for one in landed]
        findings.mend(connection, good, claim.job, now)


def _quarantined(claim: Claim, held: Sequence[Finding], now: datetime) -> Event:
    data = {
        "job": claim.job,
        "bars": sum(len(one.bars) for one in held if one.bars is not None),
        "rules": dict(Counter(one.rule or one.kind.value for one in held)),
        "symbols": sorted({one.symbol for one in held})[:_NAMED],
    }
    about = (claim.job_id, claim.occurrence_id, claim.task_id, claim.attempt_id)
    return Event(EventName.QUARANTINED, now, *about, data)


@dataclass(frozen=True)
class Decided:
    """How many findings were decided, how many bars they hold, and how many of those were written."""

    findings: int = 0
    bars: int = 0
    written: int = 0

    def __add__(self, other: Decided) -> Decided:
        return Decided(self.findings + other.findings, self.bars + other.bars, self.written + other.written)


class Quarantine:
    """Looks at findings, and decides about those that are open."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(
        self, wanted: FindingFilter = EVERY_FINDING, *, job: str | None = None, limit: int = 100
    ) -> Sequence[StoredFinding]:
        """The newest findings first. `job` is a job's name. Raises NotFound."""
        with self._database.read() as connection:
            return quarantine.listed(connection, _of_job(connection, wanted, job), limit=limit)

    def get(self, text: str) -> tuple[StoredFinding, Bars]:
        """A finding by the first digits of its id, with the bars that were set aside. Raises NotFound."""
        with self._database.read() as connection:
            key = quarantine.id_of(connection, text)
            [found] = quarantine.by_ids(connection, [key])
            return found, quarantine.bars_of(connection, [key])[key]

    def release(self, texts: Sequence[str], *, by: str) -> Decided:
        """Decide that the bars of findings are good, and land them. Raises NotFound, Conflict; then nothing is decided.

        A finding that was rejected may be released too.
        """
        return self._decide_named(texts, FindingState.RELEASED, by)

    def reject(self, texts: Sequence[str], *, by: str) -> Decided:
        """Decide that the bars of findings are bad; they stay aside. Raises NotFound, Conflict; then nothing is decided."""
        return self._decide_named(texts, FindingState.REJECTED, by)

    def release_matching(self, wanted: FindingFilter, *, by: str, job: str | None = None) -> Iterator[Decided]:
        """Release all open findings with bars that are meant, in batches."""
        return self._decide_matching(wanted, job, FindingState.RELEASED, by)

    def reject_matching(self, wanted: FindingFilter, *, by: str, job: str | None = None) -> Iterator[Decided]:
        """Reject all open findings that are meant, in batches."""
        return self._decide_matching(wanted, job, FindingState.REJECTED, by)

    @taken_twice_if_busy
    def _decide_named(self, texts: Sequence[str], state: FindingState, by: str) -> Decided:
        with self._database.begin() as connection:
            which = sorted({quarantine.id_of(connection, text) for text in texts})
            return self._decide(connection, which, state, by, is_named=True)

    def _decide_matching(
        self, wanted: FindingFilter, job: str | None, state: FindingState, by: str
    ) -> Iterator[Decided]:
        for which in _batches(self._open(wanted, job)):
            done = self._decide_batch(which, state, by)
            if done.findings:
                yield done

    @taken_twice_if_busy
    def _open(self, wanted: FindingFilter, job: str | None) -> Sequence[tuple[UUID, Place | None]]:
        with self._database.read() as connection:
            return quarantine.meant(connection, _of_job(connection, replace(wanted, states=(FindingState.OPEN,)), job))

    @taken_twice_if_busy
    def _decide_batch(self, which: Sequence[UUID], state: FindingState, by: str) -> Decided:
        with self._database.begin() as connection:
            return self._decide(connection, which, state, by, is_named=False)

    def _decide(
        self, connection: Connection, which: Sequence[UUID], state: FindingState, by: str, *, is_named: bool
    ) -> Decided:
        now = self._database.now(connection)
        held = _held(connection, which)
        reasons = {one.id: why for one, aside in held if (why := _refused(one, aside, state))}
        if is_named and reasons:
            raise Conflict("\n".join(reasons.values()))
        chosen = [(one, aside) for one, aside in held if one.id not in reasons]
        if not chosen:
            return Decided()
        if findings.decide(connection, [one.id for one, _ in chosen], state, by, now) < len(chosen):
            raise Busy("Somebody else decides about some of these findings at this moment: try again.")
        written = land_released(connection, chosen, by, now) if state is FindingState.RELEASED else 0
        done = Decided(len(chosen), sum(len(aside) for _, aside in chosen), written)
        events.append(connection, _decided(chosen, state, done, by, now))
        return done


def _batches(found: Sequence[tuple[UUID, Place | None]]) -> Iterator[list[UUID]]:
    """The ids in batches; those about one bar stay together, so that two bars of one time are never both released."""
    batch: list[UUID] = []
    for _, together in groupby(found, key=lambda one: one[1] or one[0]):
        batch.extend(key for key, _ in together)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _held(connection: Connection, which: Sequence[UUID]) -> list[tuple[StoredFinding, Bars]]:
    """Findings with the bars that were set aside for them, about which nobody else decides until the transaction ends."""
    # In the order of a landing, which is alone with its instruments before it closes their findings.
    bars.lock(connection, quarantine.instruments_of(connection, which))
    found = quarantine.by_ids(connection, which, for_change=True)
    aside = quarantine.bars_of(connection, which)
    return [(one, aside[one.id]) for one in found]


def _of_job(connection: Connection, wanted: FindingFilter, job: str | None) -> FindingFilter:
    return wanted if job is None else replace(wanted, job=definitions.get(connection, job).id)


def _refused(finding: StoredFinding, aside: Bars, state: FindingState) -> str:
    """Why a decision about a finding cannot be taken; nothing if it can."""
    name = f"finding {str(finding.id)[:8]} of {finding.symbol}"
    if finding.state not in may_become(state):
        return f"{name} is {finding.state}: it is too late to decide about it"
    if state is FindingState.REJECTED:
        return ""
    if not len(aside):
        return f"{name} ({finding.kind}) holds no bars that could be released: reject it if it is done with"
    if not all(np.isfinite(getattr(aside, price)).all() for price in PRICES):
        return f"{name} holds a bar without a price, which cannot be stored: reject it"
    return ""


def _decided(
    chosen: Sequence[tuple[StoredFinding, Bars]], state: FindingState, done: Decided, by: str, now: datetime
) -> Event:
    name = EventName.RELEASED if state is FindingState.RELEASED else EventName.REJECTED
    data = {
        "by": by,
        "findings": [str(one.id) for one, _ in chosen[:_NAMED]],
        "count": done.findings,
        "bars": done.bars,
        "written": done.written,
        "symbols": sorted({one.symbol for one, _ in chosen})[:_NAMED],
    }
    return Event(name, now, data=data)
