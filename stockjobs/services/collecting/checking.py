"""Checking what came: good bars go on, impossible ones are set aside whole as findings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from stockjobs.domain.market.bars import PRICES, Bars, CorporateAction, Seconds
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.validation import Broken, Checked, Context, is_calm, joined, validate
from stockjobs.domain.market.validation.actions import CheckedActions, check_by_price
from stockjobs.services.collecting.clearing import cleared, sessions_around, span_of
from stockjobs.services.collecting.fetching import Answer
from stockjobs.services.collecting.vetting import Vetted, finding_of
from stockjobs.services.market import calendars
from stockjobs.store.database import Connection
from stockjobs.store.ledger.claims import Claim
from stockjobs.store.market import actions, findings, tails
from stockjobs.store.market.findings import Finding, Look
from stockjobs.store.market.instruments import Instrument
from stockjobs.store.market.tails import NOTHING_BESIDE, Beside


@dataclass(frozen=True)
class Judged:
    """An answer after its check: what was asked and came, the good bars and the rest, and what there is to say about it.

    `released_at` are the times (epoch seconds) of those good bars that broke a rule and that somebody has released. One
    `is_refused` whose bars were set aside whole after it, as they do not go with what is stored.
    """

    answer: Answer
    instrument: Instrument
    checked: Checked
    findings: tuple[Finding, ...] = ()
    is_refused: bool = False
    released_at: tuple[int, ...] = ()

    @property
    def good(self) -> Bars:
        """The bars that may be landed, oldest first."""
        return Bars.empty() if self.is_refused else self.checked.good

    @property
    def aside_at(self) -> Seconds:
        """The times of the bars that were set aside, in whatever order."""
        refused = self.checked.good.at if self.is_refused else Bars.empty().at
        return np.concatenate([np.array([one.at for one in self.checked.rejected], dtype=np.int64), refused])

    @property
    def held(self) -> Bars:
        """The bars that were set aside, oldest first, each time once."""
        aside = [one.bars for one in self.checked.rejected if one.bars is not None]
        if not aside:
            return Bars.empty()
        whole = joined(aside)
        return whole.where(np.unique(whole.at, return_index=True)[1])


def judge(connection: Connection, claim: Claim, vetted: Sequence[Vetted], now: datetime) -> list[Judged]:
    """Check the bars of answers by the rules of the job, and then their payments by their prices.

    A bar that somebody has released is good, and one that somebody has rejected is set aside, whatever else tells.
    """
    beside = _beside(connection, vetted)
    clear = cleared(connection, vetted, beside, now)
    return [
        _judged(connection, claim, one, _Around(now, beside.get(id(one), NOTHING_BESIDE), id(one) in clear))
        for one in vetted
    ]


@dataclass(frozen=True)
class _Around:
    """The time of a check, what is stored beside an answer, and whether one look at all has cleared it of every rule."""

    now: datetime
    beside: Beside
    is_clear: bool = False


def _beside(connection: Connection, vetted: Sequence[Vetted]) -> dict[int, Beside]:
    """What is stored beside each answer that has bars, by the identity of the answer; read once for all."""
    with_bars = [one for one in vetted if len(one.answer.reply.bars)]
    spans = [span_of(one) for one in with_bars]
    return dict(zip(map(id, with_bars), tails.beside(connection, spans), strict=True))


def _judged(connection: Connection, claim: Claim, vetted: Vetted, around: _Around) -> Judged:
    instrument, answer = vetted.instrument, vetted.answer
    came, interval = answer.reply.bars, answer.request.interval
    if not len(came):
        return Judged(answer, instrument, Checked(came, (), came.at), vetted.findings)
    if around.is_clear:
        context, checked = None, Checked(came, (), came.at[:0])
        if not around.beside.has_rejected:
            return Judged(answer, instrument, checked, vetted.findings)
    else:
        context = _context(connection, vetted, around)
        checked = validate(came, context, claim.spec.validation)
    held = [_finding(claim, instrument, interval, one, FindingState.OPEN) for one in checked.rejected]
    released_at: tuple[int, ...] = ()
    if held:
        released = findings.released(connection, held)
        places = [place for place, one in enumerate(held) if one.id in released]
        released_at = tuple(checked.rejected[place].at for place in places)
        checked = _with_released(checked, places)
        held = [one for one in held if one.id not in released]
    if around.beside.has_rejected:
        # Their findings are there, and decided: nobody is asked again.
        rejected = findings.rejected(connection, span_of(vetted))
        checked = _without_rejected(checked, rejected)
        held = [one for one in held if findings.look_of(one) not in rejected]
    noted = [_finding(claim, instrument, interval, one, FindingState.NOTED) for one in checked.noted]
    paid = (
        check_by_price(answer.reply.actions, checked.good, context, claim.spec.validation)
        if context
        else CheckedActions(())
    )
    odd = [finding_of(claim, instrument, one) for one in paid.broken]
    sound = replace(answer, reply=replace(answer.reply, actions=paid.good)) if paid.broken else answer
    return Judged(sound, instrument, checked, (*vetted.findings, *held, *noted, *odd), released_at=released_at)


def _context(connection: Connection, vetted: Vetted, around: _Around) -> Context:
    instrument, answer = vetted.instrument, vetted.answer
    came, request = answer.reply.bars, answer.request
    zone = calendars.zone_of(instrument)
    context = Context(
        now=around.now,
        interval=request.interval,
        zone=zone,
        sessions=sessions_around(connection, instrument, int(came.at.min()), int(came.at.max())),
        before=around.beside.before,
        after=around.beside.after,
        unit=instrument.unit,
        kind=instrument.kind,
    )
    # What is known of splits is read only where prices move as if there had been one, and of payments to judge others by.
    is_plain = all(one.kind == "split" for one in answer.reply.actions) and is_calm(came, context)
    return context if is_plain else replace(context, actions=_actions(connection, vetted))


def _actions(connection: Connection, vetted: Vetted) -> tuple[CorporateAction, ...]:
    known: Sequence[CorporateAction]
    if vetted.known is None:
        known = actions.of(connection, vetted.instrument.id)
    else:
        known = [CorporateAction(one.kind, one.at, one.value) for one in vetted.known]
    told = vetted.answer.reply.actions
    return tuple({(one.kind, one.at): one for one in (*known, *told)}.values())


def _with_released(checked: Checked, places: Collection[int]) -> Checked:
    """The same with some of the rejected bars among the good ones."""
    if not places:
        return checked
    bars = [checked.good, *(one.bars for place, one in enumerate(checked.rejected) if place in places and one.bars)]
    rest = tuple(one for place, one in enumerate(checked.rejected) if place not in places)
    return replace(checked, good=joined(bars), rejected=rest)


def _without_rejected(checked: Checked, rejected: Mapping[Look, tuple[str, str]]) -> Checked:
    """The same with those of the good bars among the rejected ones that somebody has rejected at the same prices."""
    good = checked.good
    broken: dict[int, Broken] = {}
    for place in np.flatnonzero(np.isin(good.at, [look[0] for look in rejected])).tolist():
        bar = good.where(np.array([place]))
        look = (int(bar.at[0]), *(float(getattr(bar, name)[0]) for name in PRICES))
        if look in rejected:
            rule, reason = rejected[look]
            broken[place] = Broken(rule, int(bar.at[0]), reason, bars=bar)
    left = good.where(np.delete(np.arange(len(good)), list(broken)))
    return replace(checked, good=left, rejected=(*checked.rejected, *broken.values()))


def _finding(claim: Claim, instrument: Instrument, interval: Interval, broken: Broken, state: FindingState) -> Finding:
    return Finding(
        kind=FindingKind.REJECTED_BAR if state is FindingState.OPEN else FindingKind.SUSPECT_BAR,
        symbol=instrument.symbol,
        reason=broken.reason,
        instrument_id=instrument.id,
        interval=interval,
        at=datetime.fromtimestamp(broken.at, UTC),
        rule=broken.rule,
        job_id=claim.job_id,
        attempt_id=claim.attempt_id,
        evidence=dict(broken.values),
        state=state,
        bars=broken.bars if state is FindingState.OPEN else None,
    )
