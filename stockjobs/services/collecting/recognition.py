"""Whom an answer is about: the instrument that it is landed on, or the reason for which it is landed on none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.market.bars import Identity
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.identity import Another, Same, Stranger, compare, may_be_another, sound
from stockjobs.services.collecting.fetching import Answer
from stockjobs.store.database import Connection
from stockjobs.store.ledger import events
from stockjobs.store.ledger.claims import Claim
from stockjobs.store.market import findings, instruments
from stockjobs.store.market.findings import Finding
from stockjobs.store.market.instruments import Instrument


def recognise(
    connection: Connection, provider: str, identity: Identity, now: datetime, *, bearer: Instrument | None = None
) -> tuple[Instrument, str]:
    """The instrument that bears the symbol of an answer, and what the answer says of it that it is not; empty if they agree.

    What is new of the instrument is written. An answer about another instrument, which bears the symbol now, gives that one.
    `bearer` is who is known to bear the symbol, where that was read for many at once.
    """
    instrument = bearer or instruments.ensure(connection, provider, identity, now)
    known = instrument.identity
    newest = instruments.newest_bar(connection, instrument.id) if may_be_another(known, identity) else None
    match compare(known, identity, newest):
        case Stranger(reason):
            return instrument, reason
        case Another(reason):
            successor = instruments.reassign(connection, provider, instrument, identity, now)
            if successor.id != instrument.id:
                learnt = _Learnt(EventName.SYMBOL_REASSIGNED, provider, successor, reason, former=instrument.id)
                _tell(connection, learnt, now)
            return successor, ""
        case Same(changes, told):
            if changes:
                instrument = instruments.describe(connection, instrument, changes)
            if told:
                _tell(connection, _Learnt(EventName.INSTRUMENT_CHANGED, provider, instrument, told), now)
    return instrument, ""


def soundly(answer: Answer, now: datetime) -> tuple[Answer, str]:
    """An answer without what its identity cannot be, and what that was; empty if there is nothing of the kind."""
    identity = answer.reply.identity
    said = sound(identity, now) if identity else None
    if said is None or not said.left_out:
        return answer, ""
    return replace(answer, reply=replace(answer.reply, identity=said.identity)), said.left_out


def unsound(claim: Claim, instrument: Instrument, left_out: str) -> Finding:
    """The finding that something of an identity was left out."""
    return Finding(
        kind=FindingKind.IDENTITY,
        symbol=instrument.symbol,
        reason=f"left out of what the source says of it: {left_out}",
        instrument_id=instrument.id,
        job_id=claim.job_id,
        attempt_id=claim.attempt_id,
        state=FindingState.NOTED,
    )


@dataclass(frozen=True)
class _Learnt:
    """What is new of an instrument: what has happened and why; `former` is who bore its symbol before."""

    event: EventName
    provider: str
    instrument: Instrument
    reason: str
    former: int | None = None

    @property
    def evidence(self) -> dict[str, object]:
        return {"provider": self.provider} | ({} if self.former is None else {"former": self.former})


def _tell(connection: Connection, learnt: _Learnt, now: datetime) -> None:
    instrument = learnt.instrument
    noted = Finding(
        kind=FindingKind.IDENTITY,
        symbol=instrument.symbol,
        reason=learnt.reason,
        instrument_id=instrument.id,
        evidence=learnt.evidence,
        state=FindingState.NOTED,
    )
    findings.land(connection, [noted], now)
    data = {**learnt.evidence, "symbol": instrument.symbol, "instrument": instrument.id, "reason": learnt.reason}
    events.append(connection, Event(learnt.event, now, data=data))
