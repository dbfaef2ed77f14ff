"""Landing what an attempt brought: bars, actions, facts and findings, in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from stockjobs.domain.bars import FactsReply, Identity
from stockjobs.domain.findings import FindingKind
from stockjobs.services.checking import Judged, judge
from stockjobs.services.fetching import Answer, Fetched
from stockjobs.services.recognition import recognise
from stockjobs.services.watching import watch
from stockjobs.store import actions, bars, facts, findings, instruments, landings
from stockjobs.store.claims import Claim
from stockjobs.store.database import Connection
from stockjobs.store.findings import Finding


@dataclass(frozen=True)
class Landed:
    """How many rows came, were written (new or different), and were set aside."""

    received: int = 0
    written: int = 0
    rejected: int = 0


NOTHING_LANDED = Landed()


def land(connection: Connection, claim: Claim, fetched: Fetched, now: datetime) -> Landed:
    """Write everything that arrived. Writing it a second time changes nothing."""

    @cache
    def landing() -> int:
        """The number of this landing; only one that writes something has any."""
        return landings.begin(connection, now, attempt=claim.attempt_id, by=claim.job)

    judged: list[Judged] = []
    found: list[Finding] = []
    received = written = rejected = 0
    for _, answers in sorted(fetched.bars.items()):
        for answer in answers:
            reply = answer.reply
            if reply.identity is None:
                # The provider has nothing for this window, not even a name.
                continue
            received += len(reply.bars) + len(reply.actions)
            instrument, mismatch = recognise(connection, claim.spec.provider, reply.identity, now)
            if mismatch:
                # All of it is set aside: prices in another unit look like prices.
                found.append(_stranger(claim, instrument.id, mismatch, answer))
                rejected += len(reply.bars)
                continue
            one = judge(connection, claim, instrument, answer, now)
            judged.append(one)
            rejected += len(one.checked.rejected)
            found.extend((*one.findings, *watch(connection, claim, one, now)))
            written += actions.land(connection, instrument.id, reply.actions, now, landing=landing)
    for symbol, reply_of in sorted(fetched.facts.items()):
        received += len(reply_of.facts)
        written += _land_facts(connection, claim, symbol, reply_of, now)
    written += bars.land(connection, [_landing(claim, one) for one in judged], now, landing=landing)
    findings.land(connection, found, now)
    return Landed(received, written, rejected)


def _landing(claim: Claim, judged: Judged) -> bars.Landing:
    return bars.Landing(judged.instrument.id, judged.answer.request.interval, judged.good, claim.window_start)


def _stranger(claim: Claim, instrument: int, reason: str, answer: Answer) -> Finding:
    came = answer.reply.bars
    evidence = {"bars": len(came), "from": int(came.at[0]) if len(came) else None}
    return Finding(
        kind=FindingKind.IDENTITY,
        symbol=answer.request.symbol,
        reason=reason,
        instrument_id=instrument,
        interval=answer.request.interval,
        job_id=claim.job_id,
        attempt_id=claim.attempt_id,
        evidence=evidence,
    )


def _land_facts(connection: Connection, claim: Claim, symbol: str, reply: FactsReply, now: datetime) -> int:
    if not reply.facts and not reply.profile:
        # An empty answer deletes nothing.
        facts.land_nothing(connection, claim.spec.provider, symbol, now)
        return 0
    identity = reply.identity or Identity(symbol, exchange="", zone="", currency="", kind="")
    instrument = instruments.ensure(connection, claim.spec.provider, identity, now)
    return facts.land(connection, instrument.id, reply, now)
