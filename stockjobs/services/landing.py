"""Landing what an attempt brought: bars, actions, facts and findings, in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from stockjobs.domain.bars import Bars, BarsReply, FactsReply, Identity
from stockjobs.domain.intervals import Interval
from stockjobs.domain.validation import Rejected, validate
from stockjobs.services.fetching import Fetched
from stockjobs.store import bars, instruments, market
from stockjobs.store.claims import Claim
from stockjobs.store.database import Connection
from stockjobs.store.instruments import Instrument
from stockjobs.store.market import Finding


@dataclass(frozen=True)
class Landed:
    """How many rows came, were written (new or different), and were set aside."""

    received: int = 0
    written: int = 0
    rejected: int = 0


NOTHING_LANDED = Landed()
REJECTED_BAR = "rejected-bar"


def land(connection: Connection, claim: Claim, fetched: Fetched, now: datetime) -> Landed:
    """Write everything that arrived. Writing it a second time changes nothing."""
    landings: list[bars.Landing] = []
    findings: list[Finding] = []
    received = written = rejected = 0
    for symbol, replies in sorted(fetched.bars.items()):
        for reply in replies:
            if reply.identity is None:
                # The provider has nothing for this window, not even a name.
                continue
            received += len(reply.bars) + len(reply.actions)
            instrument = instruments.ensure(connection, claim.spec.provider, reply.identity, now)
            mismatch = _mismatch(instrument, reply.identity)
            if mismatch:
                # All of it is set aside: prices in another unit look like prices.
                findings.append(_stranger(claim, symbol, instrument.id, mismatch, reply))
                rejected += len(reply.bars)
                continue
            landing, found = _checked(claim, symbol, instrument.id, reply.bars, now)
            written += market.land_actions(connection, instrument.id, reply.actions, now)
            landings.append(landing)
            findings.extend(found)
    for symbol, facts in sorted(fetched.facts.items()):
        received += len(facts.facts)
        written += _land_facts(connection, claim, symbol, facts, now)
    written += bars.land(connection, landings, now)
    market.land_findings(connection, findings, now)
    return Landed(received, written, rejected + sum(finding.kind == REJECTED_BAR for finding in findings))


def _mismatch(known: Instrument, identity: Identity) -> str:
    """What an answer says of its instrument that it is not, empty if it agrees with what is known."""
    if (
        not known.currency
        or not identity.currency
        or (known.currency, known.unit) == (identity.currency, identity.unit)
    ):
        return ""
    came, expected = (
        f"{currency} in units of {unit:g}"
        for currency, unit in ((identity.currency, identity.unit), (known.currency, known.unit))
    )
    return f"prices came in {came}, and are kept in {expected}"


def _stranger(claim: Claim, symbol: str, instrument: int, reason: str, reply: BarsReply) -> Finding:
    evidence = {"bars": len(reply.bars), "from": int(reply.bars.at[0]) if len(reply.bars) else None}
    return Finding(
        kind="identity",
        symbol=symbol,
        reason=reason,
        instrument_id=instrument,
        interval=claim.interval,
        attempt_id=claim.attempt_id,
        evidence=evidence,
    )


def _checked(
    claim: Claim, symbol: str, instrument: int, received: Bars, now: datetime
) -> tuple[bars.Landing, list[Finding]]:
    interval = claim.interval or Interval.D1
    checked = validate(received, now)
    found = [_finding(claim, symbol, instrument, interval, rejected) for rejected in checked.rejected]
    return bars.Landing(instrument, interval, checked.good, claim.window_start), found


def _finding(claim: Claim, symbol: str, instrument: int, interval: Interval, rejected: Rejected) -> Finding:
    return Finding(
        kind=REJECTED_BAR,
        symbol=symbol,
        reason=rejected.reason,
        instrument_id=instrument,
        interval=interval,
        at=datetime.fromtimestamp(rejected.at, UTC),
        attempt_id=claim.attempt_id,
        evidence=rejected.values,
    )


def _land_facts(connection: Connection, claim: Claim, symbol: str, reply: FactsReply, now: datetime) -> int:
    if not reply.facts and not reply.profile:
        # An empty answer says nothing, and deletes nothing.
        return 0
    identity = reply.identity or Identity(symbol, exchange="", zone="", currency="", kind="")
    instrument = instruments.ensure(connection, claim.spec.provider, identity, now)
    return market.land_facts(connection, instrument.id, reply, now)
