"""What follows when an attempt did not succeed: a decision as a value, made from the error and the counters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from stockjobs.errors import Interrupted, Overtaken, ProviderDown, ProviderPermanent, RateLimited, Unreachable

MAX_CRASHES = 5
"""A task that took this many workers with it is set aside. More than a bad day costs an innocent one, few for a poisonous one."""

DEFER_FOR = timedelta(seconds=5)
"""How long to wait for a server of ours (the database, the broker) to come back, or after an answer that was too late."""

COOL_DOWN = timedelta(seconds=60)
"""How long to wait after a rate limit that named no time."""

LONGEST_COOL_DOWN = timedelta(hours=1)
"""The longest that a rate limit may make us wait, whatever the provider asks for."""


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff with full jitter: before retry n wait anything from nothing to min(cap, initial · factor^(n-1)).

    Source of the formula: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    initial: timedelta = timedelta(seconds=5)
    factor: float = 2.0
    cap: timedelta = timedelta(minutes=5)
    max_retries: int = 5
    jitter: bool = True

    def wait(self, retry: int, fraction: float) -> timedelta:
        """How long to wait before this retry, the first being 1; `fraction` in [0, 1) is the jitter's draw."""
        # No policy has more retries than a hundred, and a greater power may be no number any more.
        exponent = min(retry - 1, 100)
        ceiling = min(self.cap.total_seconds(), self.initial.total_seconds() * self.factor**exponent)
        return timedelta(seconds=ceiling * (fraction if self.jitter else 1.0))


@dataclass(frozen=True)
class TryAgain:
    """Make another attempt after `wait`; it counts as a failed one."""

    wait: timedelta


@dataclass(frozen=True)
class Defer:
    """Make another attempt after `wait`; nothing was used up."""

    wait: timedelta


@dataclass(frozen=True)
class GiveUp:
    """Make no other attempt."""

    timed_out: bool = False


Decision = TryAgain | Defer | GiveUp


def decide(error: Exception, *, failures: int, policy: RetryPolicy, attempt: UUID) -> Decision:
    """What to do after an error, `failures` attempts having failed before this one."""
    if isinstance(error, RateLimited):
        return Defer(min(error.retry_after or COOL_DOWN, LONGEST_COOL_DOWN))
    if isinstance(error, Unreachable | Overtaken):
        return Defer(DEFER_FOR)
    if isinstance(error, ProviderDown) and error.retry_after is not None:
        return Defer(error.retry_after)
    if isinstance(error, ProviderPermanent):
        return GiveUp()
    if failures >= policy.max_retries:
        return GiveUp(timed_out=isinstance(error, Interrupted))
    return TryAgain(policy.wait(failures + 1, fraction_of(attempt)))


def fraction_of(attempt: UUID) -> float:
    """A number in [0, 1) drawn from an attempt's id: even over many attempts, the same on every node."""
    return (attempt.int & 0xFFFF_FFFF) / 2**32
