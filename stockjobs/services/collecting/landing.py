"""Landing what an attempt brought: bars, actions, facts and findings, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache

from stockjobs.domain.market.bars import Bars, FactsReply, Identity, Prices
from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.market.identity import sound
from stockjobs.domain.market.splits import InPrices, Split, together
from stockjobs.errors import Overtaken
from stockjobs.services.collecting.checking import Judged, judge
from stockjobs.services.collecting.continuing import continued
from stockjobs.services.collecting.explaining import land_explained
from stockjobs.services.collecting.fetching import Answer, Fetched
from stockjobs.services.collecting.moving import follow, moved_splits, without
from stockjobs.services.collecting.outdated import Learnt, is_outdated, learnt
from stockjobs.services.collecting.paying import Retold, land_actions, land_splits
from stockjobs.services.collecting.reaching import reach_back
from stockjobs.services.collecting.recognition import recognise, soundly, unsound
from stockjobs.services.collecting.restating import clear_up, settled
from stockjobs.services.collecting.series import Series, Step, series_of
from stockjobs.services.collecting.vetting import vetted
from stockjobs.services.collecting.watching import watch
from stockjobs.services.collecting.withdrawing import withdraw_held
from stockjobs.services.market.calendars import zone_of
from stockjobs.services.market.quarantine import set_aside
from stockjobs.store.database import Connection
from stockjobs.store.ledger.claims import Claim
from stockjobs.store.market import bars, concerns, facts, instruments, landings
from stockjobs.store.market.bar_rows import Stored
from stockjobs.store.market.findings import Finding, Good
from stockjobs.store.market.instruments import Instrument


@dataclass(frozen=True)
class Landed:
    """How many rows came, were written (new, different or told anew), and were set aside.

    `overtaken` has the symbols whose answers came too late to be trusted: they are to be asked for again.
    """

    received: int = 0
    written: int = 0
    rejected: int = 0
    overtaken: Mapping[str, Overtaken] = field(default_factory=dict)


NOTHING_LANDED = Landed()


def land(connection: Connection, claim: Claim, fetched: Fetched, now: datetime) -> Landed:
    """Write everything that arrived. Writing it a second time changes nothing."""

    @cache
    def landing() -> int:
        """The number of this landing; only one that writes something has any."""
        return landings.begin(connection, now, attempt=claim.attempt_id, by=claim.job)

    return _Landing(Step(connection, claim, now, landing)).land(fetched)


class _Landing:
    """One landing, as it adds up."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._found: list[Finding] = []
        self._good: list[Good] = []
        self._told: list[tuple[Series, tuple[Split, ...]]] = []
        self._overtaken: dict[str, Overtaken] = {}
        # By which symbols of the task the answers about an instrument were asked for: it may bear another by now.
        self._asked_as: dict[int, set[str]] = {}
        self._received = self._written = self._rejected = 0

    def land(self, fetched: Fetched) -> Landed:
        """Write everything that arrived."""
        answers = self._recognised(fetched)
        step = self._locked([instrument.id for instrument, _ in answers])
        told = vetted(step.connection, step.claim, answers, step.now)
        step.known_actions.update({one.instrument.id: one.known for one in told if one.known is not None})
        self._land_series(judge(step.connection, step.claim, told, step.now))
        for _, reply in sorted(fetched.facts.items()):
            self._received += len(reply.facts)
            self._land_facts(reply)
        # What is found now is as open as what was before.
        mending = self._good if self._found or step.concerns.open_findings else ()
        set_aside(step.connection, step.claim, self._found, mending, step.now)
        self._written += sum(land_explained(step, series, told) for series, told in self._told)
        return Landed(self._received, self._written, self._rejected, self._overtaken)

    def _locked(self, instruments_: Sequence[int]) -> Step:
        """From here on nobody else lands anything of these instruments, so what is read of them stays so."""
        step = self._step
        if instruments_:
            bars.lock(step.connection, instruments_)
            seen = concerns.of(step.connection, sorted({*instruments_}), step.claim.claimed_at)
            self._step = replace(step, concerns=seen)
        return self._step

    def _recognised(self, fetched: Fetched) -> list[tuple[Instrument, Answer]]:
        """The answers with whom they are about; what is about somebody else is set aside."""
        step, known = self._step, []
        # Those of a batch in one query: one for each symbol would cost more than reading its newest bars.
        came = {symbol: [soundly(one, step.now) for one in answers] for symbol, answers in sorted(fetched.bars.items())}
        told = [answer.reply.identity for answers in came.values() for answer, _ in answers if answer.reply.identity]
        bearers = instruments.ensure_all(step.connection, step.claim.spec.provider, told, step.now)
        for symbol, answers in came.items():
            for answer, left_out in answers:
                identity = answer.reply.identity
                if identity is None:
                    # The provider has nothing for this window, not even a name.
                    continue
                self._received += len(answer.reply.bars) + len(answer.reply.actions)
                provider, bearer = step.claim.spec.provider, bearers.get(identity.symbol)
                instrument, mismatch = recognise(step.connection, provider, identity, step.now, bearer=bearer)
                bearers[identity.symbol] = instrument
                self._asked_as.setdefault(instrument.id, set()).add(symbol)
                if left_out:
                    self._found.append(unsound(step.claim, instrument, left_out))
                if mismatch:
                    # All of it is set aside: prices in another unit look like prices.
                    self._found.append(_stranger(step.claim, instrument.id, mismatch, answer))
                    self._rejected += len(answer.reply.bars)
                else:
                    known.append((instrument, answer))
        return known

    def _land_facts(self, reply: FactsReply) -> None:
        step, provider = self._step, self._step.claim.spec.provider
        if not reply.facts and not reply.profile:
            # An empty answer deletes nothing.
            facts.land_nothing(step.connection, provider, reply.symbol, step.now)
            return
        instrument, mismatch = _company(step, reply)
        if mismatch:
            self._found.append(_strange_facts(step.claim, instrument, mismatch, reply))
            self._rejected += len(reply.facts)
        else:
            self._written += facts.land(step.connection, instrument.id, reply, step.now)

    def _land_series(self, judged: Sequence[Judged]) -> None:
        step, instruments_ = self._step, sorted({one.instrument.id for one in judged})
        if not judged:
            return
        known = learnt(step, instruments_)
        given = [one for one in series_of(judged) if not self._is_overtaken(one, known)]
        with_bars = [series for series in given if len(series.came)]
        spans = [bars.around(series.instrument.id, series.interval, series.came) for series in with_bars]
        stored = dict(zip(map(id, with_bars), bars.stored(step.connection, spans), strict=True))
        onward = continued(with_bars, stored, known)
        given_good = [
            self._continued(series, stored[id(series)], known, onward[id(series)])
            if id(series) in onward
            else self._settled(*_beside(series, stored.get(id(series))), known)
            for series in given
        ]
        for series, landing in zip(given, given_good, strict=True):
            if landing is not None and (series.instrument.id, series.interval.seconds) in known.unclear:
                clear_up(step, series)
        landed = [one for one in given_good if one is not None]
        self._good = [
            Good(one.instrument_id, one.interval, one.bars.at, zone_of(series.instrument))
            for series, one in zip(given, given_good, strict=True)
            if one is not None
        ]
        self._written += bars.land(step.connection, landed, step.now, landing=step.landing)

    def _is_overtaken(self, series: Series, known: Learnt) -> bool:
        if not is_outdated(series, known):
            return False
        why = "It was split while it was asked for: it is asked for again."
        self._overtaken |= dict.fromkeys(self._asked_as[series.instrument.id], Overtaken(why))
        # What it tells of splits is true, and the next attempt has to know.
        self._written += land_splits(self._step, series)
        return True

    def _settled(self, series: Series, stored: Stored | None, known: Learnt) -> bars.Landing | None:
        """What is to be landed of a series, after its past was told anew, what was bad of it has left, and with what is missing
        written down.
        """
        landing = self._compared(series, stored, known)
        self._look_after(series, is_refused=stored is not None and landing is None)
        return landing

    def _continued(self, series: Series, stored: Stored, known: Learnt, factor: Prices) -> bars.Landing:
        """The same of a series that goes on from what is stored, with the splits that are in its prices."""
        if series.actions:
            splits = series.placed(known.known(series.instrument.id))
            came = InPrices(series.came.at, factor, splits, series.interval, zone_of(series.instrument))
            self._written += land_actions(self._step, series, splits, Retold(came, 0))
        self._look_after(series, is_refused=False)
        since = self._step.claim.window_start
        return bars.Landing(series.instrument.id, series.interval, series.came, since, factor, stored)

    def _look_after(self, series: Series, *, is_refused: bool) -> None:
        """Let what was bad of a series leave, and write down what is missing."""
        step = self._step
        withdrawn = withdraw_held(step, series)
        self._written += withdrawn.bars
        self._found.extend(reach_back(step, series, has_left=withdrawn.bars > 0))
        came = Bars.empty().at if is_refused else series.came.at
        for one in series.judged:
            self._rejected += len(one.checked.rejected)
            self._found.extend(withdrawn.without_settled(one.findings))
            self._found.extend(watch(step, replace(one, is_refused=True) if is_refused else one, came))

    def _compared(self, series: Series, stored: Stored | None, known: Learnt) -> bars.Landing | None:
        """What is to be landed of a series, after its actions were and its past was told anew."""
        step = self._step
        moved = moved_splits(step, series)
        stored = follow(step, series, stored, moved)
        splits = series.placed(without(known.known(series.instrument.id), moved))
        if stored is None:
            self._written += land_actions(step, series, together(splits, series.splits))
            return None
        heard = known.heard(series.instrument.id)
        done = settled(step, series, stored, {split: heard[split] for split in splits})
        self._found.extend(done.findings)
        if done.told:
            self._told.append((series, done.told))
        if done.retold is None:
            self._rejected += len(series.came)
            return None
        self._written += done.retold.restated + land_actions(step, series, together(splits, series.splits), done.retold)
        return done.landing


def _beside(series: Series, stored: Stored | None) -> tuple[Series, Stored | None]:
    """A series with its bars where those of their days are stored, and what is stored of its span."""
    if stored is None:
        return series, None
    series = series.beside(stored.bars)
    return series, stored.within(int(series.came.at[0]), int(series.came.at[-1]))


def _stranger(claim: Claim, instrument: int, reason: str, answer: Answer) -> Finding:
    # Without what differs from night to night: it is one finding until it is over.
    return Finding(
        kind=FindingKind.IDENTITY,
        symbol=answer.request.symbol,
        reason=f"prices {reason}",
        instrument_id=instrument,
        interval=answer.request.interval,
        job_id=claim.job_id,
        attempt_id=claim.attempt_id,
        evidence=_money(answer.reply.identity),
    )


def _company(step: Step, reply: FactsReply) -> tuple[Instrument, str]:
    """Whom facts are about, and what speaks against it; where their provider does not say, who bears the symbol."""
    provider = step.claim.spec.provider
    if reply.identity is not None:
        return recognise(step.connection, provider, sound(reply.identity, step.now).identity, step.now)
    nameless = Identity(reply.symbol, exchange="", zone="", currency="", kind="")
    return instruments.ensure(step.connection, provider, nameless, step.now), ""


def _strange_facts(claim: Claim, instrument: Instrument, reason: str, reply: FactsReply) -> Finding:
    return Finding(
        kind=FindingKind.IDENTITY,
        symbol=reply.symbol,
        reason=f"figures {reason}",
        instrument_id=instrument.id,
        job_id=claim.job_id,
        attempt_id=claim.attempt_id,
        # Not in which currency: that of an instrument goes by its prices alone, else each side would undo the other.
        evidence={"facts": len(reply.facts)},
    )


def _money(told: Identity | None) -> dict[str, object]:
    """In what an answer tells prices, for whoever accepts it."""
    return {"currency": told.currency, "unit": told.unit} if told else {}
