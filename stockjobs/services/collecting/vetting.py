"""Vetting what answers tell of splits and payments: impossible ones are set aside, and each event stands at one time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from stockjobs.domain.excerpts import shown
from stockjobs.domain.market.actions import Action, each_once
from stockjobs.domain.market.bars import CorporateAction
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.validation.actions import BrokenAction, check_alone
from stockjobs.services.collecting.fetching import Answer
from stockjobs.services.market.calendars import zone_of
from stockjobs.store.database import Connection
from stockjobs.store.ledger.claims import Claim
from stockjobs.store.market import actions
from stockjobs.store.market.findings import Finding
from stockjobs.store.market.instruments import Instrument


@dataclass(frozen=True)
class Vetted:
    """An answer with the actions that can be, and what there is to say about the others.

    `known` are the actions of its instrument as they were known before; None if the answer told of none, so nobody has looked.
    """

    instrument: Instrument
    answer: Answer
    findings: tuple[Finding, ...] = ()
    known: Sequence[Action] | None = None


def vetted(
    connection: Connection, claim: Claim, answers: Sequence[tuple[Instrument, Answer]], now: datetime
) -> list[Vetted]:
    """Vet what answers tell of splits and payments, by the rules of the job and by what is known of their instruments."""
    telling = sorted({instrument.id for instrument, answer in answers if answer.reply.actions})
    known = actions.known(connection, telling) if telling else {}
    places = {instrument: {one.at for one in of} for instrument, of in known.items()}
    each = [
        _vetted(claim, instrument, answer, places.setdefault(instrument.id, set()), now)
        for instrument, answer in answers
    ]
    there = {instrument: known.get(instrument, ()) for instrument in telling}
    return [replace(one, known=there[one.instrument.id]) if one.instrument.id in there else one for one in each]


def _vetted(claim: Claim, instrument: Instrument, answer: Answer, places: set[datetime], now: datetime) -> Vetted:
    """Vet one answer; `places` are the times at which events of the instrument are known, and grow by those of the answer."""
    reply = answer.reply
    if not reply.actions:
        return Vetted(instrument, answer)
    checked = check_alone(reply.actions, now, claim.spec.validation)
    told = each_once(checked.good, places, reply.bars, zone_of(instrument))
    places.update(one.at for one in told)
    findings = tuple(finding_of(claim, instrument, one) for one in checked.broken)
    return Vetted(instrument, replace(answer, reply=replace(reply, actions=told)), findings)


def finding_of(claim: Claim, instrument: Instrument, broken: BrokenAction) -> Finding:
    """The finding about an action that breaks a rule; the same whichever interval tells of it."""
    told: CorporateAction = broken.action
    return Finding(
        kind=FindingKind.REJECTED_ACTION if broken.is_held else FindingKind.SUSPECT_ACTION,
        symbol=instrument.symbol,
        reason=f"a {told.kind.replace('_', ' ')} of {shown(told.value)}: {broken.reason}",
        instrument_id=instrument.id,
        at=told.at,
        rule=broken.rule,
        job_id=claim.job_id,
        attempt_id=claim.attempt_id,
        # Not every number can be written as JSON.
        evidence={"action": told.kind, "value": shown(told.value)},
        state=FindingState.OPEN if broken.is_held else FindingState.NOTED,
    )
