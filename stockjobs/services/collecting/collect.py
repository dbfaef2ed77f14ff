"""Collecting: one attempt of one task, from the knock on the door to the landed data."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.periods import parse_duration
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State
from stockjobs.errors import Interrupted, InvalidInput, ProviderError, ProviderUnusable, Unavailable
from stockjobs.providers.base import OPEN_GATE, Gate, Patience, Provider
from stockjobs.services.collecting.asking import Asks, asks_of
from stockjobs.services.collecting.conclusion import Outcome, Verdict, concluded
from stockjobs.services.collecting.fetching import Fetched, fetch, our_fault
from stockjobs.services.collecting.gates import Notice, Tell
from stockjobs.services.collecting.landing import land
from stockjobs.services.collecting.lease import Lease
from stockjobs.services.collecting.symbol_health import learn
from stockjobs.services.repetition import taken_twice_if_busy
from stockjobs.services.work.settling import settle
from stockjobs.store.database import Database
from stockjobs.store.ledger import claims, events, occurrences
from stockjobs.store.ledger.claims import Claim, Then

T = TypeVar("T")

OVERRUN = timedelta(seconds=10)
"""How long after its deadline an attempt that does not end by itself is given up; a healthy one ends within a second."""

GateOf = Callable[[Claim, Tell], Gate]
"""Makes an attempt's way to its provider, which tells what it changes for the whole fleet."""

LastResort = Callable[[timedelta], AbstractContextManager[object]]
"""Ends the process, unless the block is left within so long; for a process that runs one attempt at a time."""


@dataclass(frozen=True)
class CollectConfig:
    """How long a lease lasts, how often an attempt looks whether it was cancelled, the longest that any may download,
    how long a landing waits for a database that is away, and for how many symbols an attempt asks at once."""

    lease: timedelta = timedelta(seconds=30)
    heartbeat: timedelta = timedelta(seconds=2)
    max_timeout: timedelta = timedelta(hours=1)
    patience_with_database: timedelta = timedelta(minutes=10)
    parallel: int = 1


class Collect:
    """Runs attempts. One instance a process, or one a thread where the provider wants it."""

    def __init__(
        self,
        database: Database,
        provider_of: Callable[[str], Provider],
        config: CollectConfig,
        last_resort: LastResort = nullcontext,
        gate_of: GateOf = lambda *_: OPEN_GATE,
    ) -> None:
        self._database = database
        self._provider_of = provider_of
        self._config = config
        self._last_resort = last_resort
        self._gate_of = gate_of

    def run(self, task: UUID, number: int, lane: Lane, *, worker: str) -> Outcome:
        """Claim, plan, fetch, validate, land, decide.

        Raises Unavailable if the database is away at the claim, or for long after it; the lease then ends by itself.
        """
        claim = self._claim(task, number, lane, worker)
        if claim is None:
            return Outcome(Verdict.NOTHING)
        with Lease(self._database, claim, lease=self._config.lease, heartbeat=self._config.heartbeat) as lease:
            outcome = self._attempt(claim, lease)
        return outcome or self._persistently(lambda: self._yield_up(claim))

    @taken_twice_if_busy
    def give_back(self, task: UUID, number: int) -> bool:
        """End the lease of an attempt whose process has died, so that the next tick offers its task again.

        False if the attempt had ended by itself.
        """
        with self._database.begin() as connection:
            return claims.expire(connection, task, number, self._database.now(connection))

    def _attempt(self, claim: Claim, lease: Lease) -> Outcome | None:
        """Fetch and land. None if the task is not ours any more."""
        fetched = self._fetched(claim, lease)
        if lease.is_lost:
            return None
        try:
            return self._persistently(lambda: self._land(claim, fetched))
        except Unavailable:
            raise
        except Exception:  # the edge: what cannot be stored must not keep the rest of the batch from it
            storable = fetched.without(self._unstorable(claim, fetched))
            return self._persistently(lambda: self._land(claim, storable))

    def _fetched(self, claim: Claim, lease: Lease) -> Fetched:
        notices: list[Notice] = []
        try:
            with closing(self._gate_of(claim, notices.append)) as gate:
                return self._fetch(claim, lease, gate)
        except Unavailable:
            raise
        except ProviderUnusable as error:
            return Fetched(errors=dict.fromkeys(claim.symbols, error))
        except Exception as error:  # the edge: whatever it is, it is written down and the task moves on
            return Fetched(errors=dict.fromkeys(claim.symbols, our_fault(error)))
        finally:
            if notices:
                self._persistently(lambda: self._tell(claim, notices))

    def _tell(self, claim: Claim, notices: Sequence[Notice]) -> None:
        """Write down what is true of the provider, whoever owns the task by now."""
        with self._database.begin() as connection:
            now = self._database.now(connection)
            events.append(connection, *(_of_provider(claim, notice, now) for notice in notices))

    def _unstorable(self, claim: Claim, fetched: Fetched) -> dict[str, ProviderError]:
        """The symbols whose data the database refuses, found by trying each alone."""
        refused: dict[str, ProviderError] = {}
        for symbol in (*fetched.bars, *fetched.facts):
            try:
                self._persistently(partial(self._try, claim, fetched.only(symbol)))
            except Unavailable:
                raise
            except Exception as error:  # as above
                refused[symbol] = our_fault(error)
        return refused

    def _try(self, claim: Claim, fetched: Fetched) -> None:
        with self._database.begin() as connection:
            land(connection, claim, fetched, self._database.now(connection))
            connection.rollback()

    @taken_twice_if_busy
    def _claim(self, task: UUID, number: int, lane: Lane, worker: str) -> Claim | None:
        with self._database.begin() as connection:
            now = self._database.now(connection)
            claim = claims.claim(connection, task, number, lane, worker=worker, now=now, lease=self._config.lease)
            if claim and occurrences.start(connection, claim.occurrence_id, now):
                events.append(connection, _event(EventName.STARTED, claim, now, worker=worker))
        return claim

    def _fetch(self, claim: Claim, lease: Lease, gate: Gate) -> Fetched:
        provider = self._opened(claim.spec.provider)
        asks = self._persistently(lambda: self._asks(claim, provider))
        timeout = min(parse_duration(claim.spec.timeout), self._config.max_timeout)
        deadline = time.monotonic() + timeout.total_seconds()
        patience = Patience(deadline, lambda: lease.is_lost, gate)
        overrun = lease.ending_at(deadline + OVERRUN.total_seconds(), lambda: self._land(claim, _overrun(claim)))
        with overrun, self._last_resort(timeout + 2 * OVERRUN):
            return fetch(asks, provider, patience, self._config.parallel)

    def _opened(self, name: str) -> Provider:
        try:
            return self._provider_of(name)
        except InvalidInput as error:
            why = "; ".join(map(str, error.problems))
            raise ProviderUnusable(f"The provider {name} cannot be used as this worker is configured: {why}") from error

    def _asks(self, claim: Claim, provider: Provider) -> Asks:
        with self._database.read() as connection:
            return asks_of(connection, claim, provider.limits, self._database.now(connection))

    def _land(self, claim: Claim, fetched: Fetched) -> Outcome | None:
        with self._database.begin() as connection:
            now = self._database.now(connection)
            landed = land(connection, claim, fetched, now)
            fetched = fetched.without(landed.overtaken) if landed.overtaken else fetched
            learn(connection, claim, fetched, now)
            outcome, result, then = concluded(claim, fetched, landed, now)
            if not claims.end(connection, claim, result, then, now):
                # Not ours any more: nothing of it may stay.
                connection.rollback()
                return None
            events.append(connection, *_told(claim, outcome, then, now))
            settle(connection, claim.job_id, claim.occurrence_id, now)
        return outcome

    def _yield_up(self, claim: Claim) -> Outcome:
        """What has become of an attempt whose task is not ours any more: cancelled, lost, or landed after all."""
        with self._database.read() as connection:
            state = claims.state_of(connection, claim)
        # Landed: the answer to our commit was lost on its way, not the commit.
        return Outcome(Verdict.LOST if state is State.RUNNING else Verdict(state.value))

    def _persistently(self, step: Callable[[], T]) -> T:
        """Take a step again until the database is back, or nobody is in the way: neither is a fault of the attempt."""
        give_up_at = time.monotonic() + self._config.patience_with_database.total_seconds()
        while True:
            try:
                return step()
            except Unavailable:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(1)


def _overrun(claim: Claim) -> Fetched:
    error = Interrupted(f"The download did not end by itself {OVERRUN.total_seconds():.0f} s after its time.")
    return Fetched(errors=dict.fromkeys(claim.symbols, error))


def _of_provider(claim: Claim, notice: Notice, now: datetime) -> Event:
    data: dict[str, object] = {"provider": notice.place.provider, "egress": notice.place.egress}
    if notice.closed_for:
        data["until"] = (now + notice.closed_for).isoformat()
    if notice.reason:
        data["error"] = notice.reason
    return _event(EventName(f"provider.{notice.turn.value}"), claim, now, **data)


_TOLD_AS = {Verdict.RETRIED: EventName.RETRIED, Verdict.DEFERRED: EventName.DEFERRED}


def _told(claim: Claim, outcome: Outcome, then: Then, now: datetime) -> list[Event]:
    data: dict[str, object] = {
        "attempt": claim.number,
        "state": outcome.verdict.value,
        "symbols": len(claim.symbols),
        "written": outcome.landed.written,
        "rejected": outcome.landed.rejected,
    }
    if outcome.skipped:
        data["skipped"] = outcome.skipped
    if outcome.error:
        data["error"] = outcome.error
    if then.run_at:
        data["next_attempt_at"] = then.run_at.isoformat()
    return [_event(_TOLD_AS.get(outcome.verdict, EventName.PROGRESS), claim, now, **data)]


def _event(name: EventName, claim: Claim, now: datetime, **data: object) -> Event:
    about = {"job": claim.job, **data}
    return Event(name, now, claim.job_id, claim.occurrence_id, claim.task_id, claim.attempt_id, about)
