"""Quarantine: bars that were set aside, and what becomes of them. They are released, rejected, or mended by the source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from uuid import UUID

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.market.findings import EVERY_FINDING, FindingFilter, FindingState
from stockjobs.errors import Busy, Conflict
from stockjobs.services.market.refusing import Decision, refused
from stockjobs.services.market.releasing import Held, held_of, land_released
from stockjobs.services.repetition import taken_twice_if_busy
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import definitions, events
from stockjobs.store.ledger.claims import Claim
from stockjobs.store.market import bars, findings, quarantine
from stockjobs.store.market.findings import Finding, Good
from stockjobs.store.market.quarantine import Place, StoredFinding

BATCH = 500
"""So many findings are decided in one transaction, and a few more where several are about one bar."""

_NAMED = 20


def set_aside(
    connection: Connection, claim: Claim, found: Sequence[Finding], landed: Sequence[Good], now: datetime
) -> None:
    """Write the findings of a landing, tell of those that are new and hold bars, and close those that good bars have mended."""
    new = findings.land(connection, found, now) if found else frozenset()
    held = {one.id: one for one in found if one.id in new and one.bars is not None}
    if held:
        events.append(connection, _quarantined(claim, list(held.values()), now))
    if landed:
        findings.mend(connection, landed, claim.job, now)


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
    """How many findings were decided, how many bars they hold, and how many of those were written.

    `passed_over` are those that were meant too, and cannot be decided so; `reasons` says of the first of each batch why.
    """

    findings: int = 0
    bars: int = 0
    written: int = 0
    passed_over: int = 0
    reasons: tuple[str, ...] = field(default=(), compare=False)

    def __add__(self, other: Decided) -> Decided:
        return Decided(*(getattr(self, name) + getattr(other, name) for name in Decided.__dataclass_fields__))


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

    def get(self, text: str) -> Held:
        """A finding by the first digits of its id, with the bars that were set aside and what is stored of their times.

        Raises NotFound.
        """
        with self._database.read() as connection:
            [found] = _found(connection, [quarantine.id_of(connection, text)])
            return found

    def release(self, texts: Sequence[str], *, by: str, replace: bool = False) -> Decided:
        """Decide that the bars of findings are good, and land them. Raises NotFound, Conflict; then nothing is decided.

        A finding that was rejected may be released too. A stored bar that passes the checks gives way only with `replace`.
        """
        return self._decide_named(texts, Decision(FindingState.RELEASED, by, replaces=replace))

    def reject(self, texts: Sequence[str], *, by: str) -> Decided:
        """Decide that the bars of findings are bad; they stay aside. Raises NotFound, Conflict; then nothing is decided."""
        return self._decide_named(texts, Decision(FindingState.REJECTED, by))

    def release_matching(
        self, wanted: FindingFilter, *, by: str, job: str | None = None, replace: bool = False
    ) -> Iterator[Decided]:
        """Release all open findings with bars that are meant, in batches; one that cannot be released is passed over."""
        return self._decide_matching(wanted, job, Decision(FindingState.RELEASED, by, replaces=replace))

    def reject_matching(self, wanted: FindingFilter, *, by: str, job: str | None = None) -> Iterator[Decided]:
        """Reject all open findings that are meant, in batches."""
        return self._decide_matching(wanted, job, Decision(FindingState.REJECTED, by))

    @taken_twice_if_busy
    def _decide_named(self, texts: Sequence[str], decision: Decision) -> Decided:
        with self._database.begin() as connection:
            which = sorted({quarantine.id_of(connection, text) for text in texts})
            return self._decide(connection, which, decision, is_named=True)

    def _decide_matching(self, wanted: FindingFilter, job: str | None, decision: Decision) -> Iterator[Decided]:
        for which in _batches(self._open(wanted, job)):
            done = self._decide_batch(which, decision)
            if done.findings or done.passed_over:
                yield done

    @taken_twice_if_busy
    def _open(self, wanted: FindingFilter, job: str | None) -> Sequence[tuple[UUID, Place | None]]:
        with self._database.read() as connection:
            return quarantine.meant(connection, _of_job(connection, replace(wanted, states=(FindingState.OPEN,)), job))

    @taken_twice_if_busy
    def _decide_batch(self, which: Sequence[UUID], decision: Decision) -> Decided:
        with self._database.begin() as connection:
            return self._decide(connection, which, decision, is_named=False)

    def _decide(self, connection: Connection, which: Sequence[UUID], decision: Decision, *, is_named: bool) -> Decided:
        # In the order of a landing, which is alone with its instruments before it closes their findings.
        bars.lock(connection, quarantine.instruments_of(connection, which))
        # Only from here on: whoever had them before may have told history anew, and was earlier.
        now = self._database.now(connection)
        held = _found(connection, which, for_change=True)
        reasons = {one.finding.id: why for one in held if (why := refused(one, decision, now))}
        if is_named and reasons:
            raise Conflict("\n".join(reasons.values()))
        first = tuple(reasons.values())[:1]
        chosen = [one for one in held if one.finding.id not in reasons]
        if not chosen:
            return Decided(passed_over=len(reasons), reasons=first)
        if findings.decide(connection, [one.finding.id for one in chosen], decision.state, decision.by, now) < len(
            chosen
        ):
            raise Busy("Somebody else decides about some of these findings at this moment: try again.")
        written = land_released(connection, chosen, decision.by, now) if decision.is_release else 0
        done = Decided(len(chosen), sum(len(one.aside) for one in chosen), written, len(reasons), first)
        events.append(connection, _decided(chosen, decision, done, now))
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


def _found(connection: Connection, which: Sequence[UUID], *, for_change: bool = False) -> list[Held]:
    """Findings with the bars that were set aside for them."""
    found = quarantine.by_ids(connection, which, for_change=for_change)
    aside = quarantine.bars_of(connection, which)
    return held_of(connection, [(one, aside[one.id]) for one in found])


def _of_job(connection: Connection, wanted: FindingFilter, job: str | None) -> FindingFilter:
    return wanted if job is None else replace(wanted, job=definitions.get(connection, job).id)


def _decided(chosen: Sequence[Held], decision: Decision, done: Decided, now: datetime) -> Event:
    found = [one.finding for one in chosen]
    data = {
        "by": decision.by,
        "findings": [str(one.id) for one in found[:_NAMED]],
        "count": done.findings,
        "bars": done.bars,
        "written": done.written,
        "symbols": sorted({one.symbol for one in found})[:_NAMED],
    }
    return Event(EventName.RELEASED if decision.is_release else EventName.REJECTED, now, data=data)
