"""What an attempt comes to: the outcome, what is written of it, and what becomes of its task. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from stockjobs.domain.counting import counted
from stockjobs.domain.masks import mask_secrets
from stockjobs.domain.work.retries import Decision, Defer, GiveUp, TryAgain, decide
from stockjobs.domain.work.states import State
from stockjobs.errors import (
    Interrupted,
    OurFault,
    ProviderDown,
    ProviderError,
    ProviderPermanent,
    ProviderUnusable,
    RateLimited,
)
from stockjobs.services.collecting.fetching import Fetched
from stockjobs.services.collecting.landing import NOTHING_LANDED, Landed
from stockjobs.store.ledger.claims import Claim, Result, Then


class Verdict(StrEnum):
    """How an attempt ended, for whoever ran it."""

    NOTHING = "nothing"
    """There was nothing to claim: done already, moved, cancelled, or a doubled message."""
    COMPLETED = "completed"
    RETRIED = "retried"
    DEFERRED = "deferred"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    LOST = "lost"
    """The task was given to another attempt meanwhile; this one wrote nothing."""


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended, in numbers and in a sentence."""

    verdict: Verdict
    landed: Landed = NOTHING_LANDED
    error: str | None = None
    wait: timedelta | None = None
    cause: BaseException | None = None
    """For an error of our own, the exception itself, with where it came from."""
    skipped: int = 0
    """For so many symbols nothing was asked: there could be nothing new, nothing was missing, or nobody knows them."""


def concluded(claim: Claim, fetched: Fetched, landed: Landed, now: datetime) -> tuple[Outcome, Result, Then]:
    given_up = claim.given_up | {
        symbol: mask_secrets(str(error))
        for symbol, error in fetched.errors.items()
        if isinstance(error, ProviderPermanent) and not isinstance(error, ProviderUnusable)
    }
    again = _again(claim, fetched, given_up)
    error = _decisive(fetched)
    decision = _decision(claim, error, again)
    state, then, wait = _then(decision, again, given_up, now)
    message = _message(error, fetched, given_up, again)
    result = Result(
        state=state,
        requests=fetched.requests,
        rows_received=landed.received,
        rows_written=landed.written,
        rows_rejected=landed.rejected,
        failed_symbols={
            symbol: mask_secrets(str(problem))
            for symbol, problem in fetched.errors.items()
            if not isinstance(problem, ProviderUnusable)
        },
        error_kind=error.kind if error else None,
        error=message if error or state is State.FAILED else None,
    )
    cause = error.__cause__ if isinstance(error, OurFault) else None
    return Outcome(Verdict(state.value), landed, result.error, wait, cause, fetched.skipped), result, then


def _again(claim: Claim, fetched: Fetched, given_up: dict[str, str]) -> tuple[str, ...]:
    """The symbols to ask for next. Those for which the provider was down come last: else one for which it always is would be
    each probe of it, and keep it closed for all others."""
    failed = [symbol for symbol in claim.symbols if symbol in fetched.errors and symbol not in given_up]
    down = [symbol for symbol in failed if isinstance(fetched.errors[symbol], ProviderDown)]
    return (*(symbol for symbol in failed if symbol not in down), *fetched.unasked, *down)


def _decisive(fetched: Fetched) -> ProviderError | None:
    """The error that decides what comes next: one for which all wait before an interruption, before another passing one,
    before a final one.
    """
    errors = list(fetched.errors.values())
    waits = [one for one in errors if _concerns_all(one)]
    interrupted = [one for one in errors if isinstance(one, Interrupted)]
    passing = [one for one in errors if not isinstance(one, ProviderPermanent)]
    return next(iter([*waits, *interrupted, *passing, *errors]), None)


def _concerns_all(error: ProviderError) -> bool:
    """True if the whole fleet leaves the provider alone for a while."""
    return isinstance(error, RateLimited) or (isinstance(error, ProviderDown) and error.retry_after is not None)


def _decision(claim: Claim, error: ProviderError | None, again: tuple[str, ...]) -> Decision:
    if error is None or not again:
        return GiveUp()
    return decide(error, failures=claim.failures, policy=claim.spec.retry.policy(), attempt=claim.attempt_id)


def _then(
    decision: Decision, again: tuple[str, ...], given_up: dict[str, str], now: datetime
) -> tuple[State, Then, timedelta | None]:
    match decision:
        case TryAgain(wait):
            then = Then(State.SCHEDULED, now + wait, again, given_up, counts_as="failures")
            return State.RETRIED, then, wait
        case Defer(wait):
            return State.DEFERRED, Then(State.SCHEDULED, now + wait, again, given_up, counts_as="deferrals"), wait
        case GiveUp(timed_out):
            state = State.TIMEOUT if timed_out else State.FAILED if again or given_up else State.COMPLETED
            return state, Then(state, given_up=given_up), None


def _message(error: ProviderError | None, fetched: Fetched, given_up: dict[str, str], again: tuple[str, ...]) -> str:
    if isinstance(error, ProviderUnusable):
        # All symbols have it, and none is to blame.
        return mask_secrets(str(error))
    problems = given_up | {symbol: str(error) for symbol, error in fetched.errors.items()}
    shown = mask_secrets("; ".join(f"{symbol}: {problem}" for symbol, problem in list(problems.items())[:5]))
    more = len(set(problems) | set(again)) - min(len(problems), 5)
    return f"{shown}; and {counted(more, 'more symbol')}" if more > 0 else shown
