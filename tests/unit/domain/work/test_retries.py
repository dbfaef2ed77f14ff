"""What follows an attempt that did not succeed."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.work.retries import (
    COOL_DOWN,
    DEFER_FOR,
    Defer,
    GiveUp,
    RetryPolicy,
    TryAgain,
    decide,
    fraction_of,
)
from stockjobs.errors import (
    IdentityMismatch,
    Interrupted,
    MalformedReply,
    Overtaken,
    ProviderDown,
    RangeRefused,
    RateLimited,
    SymbolUnknown,
    Unauthorized,
    Unreachable,
)

ATTEMPT = UUID("5b0cf3d6-6f0a-5c53-9a57-3f1d5a8d9f10")
POLICY = RetryPolicy()
TRANSIENT = [
    ProviderDown("502"),
    MalformedReply("<html>"),
    Unauthorized("401"),
    IdentityMismatch("MSFT"),
    OSError("disk"),
]
POLICIES = st.builds(
    RetryPolicy,
    initial=st.timedeltas(timedelta(milliseconds=1), timedelta(hours=1)),
    factor=st.floats(1, 100),
    cap=st.timedeltas(timedelta(milliseconds=1), timedelta(days=36_600)),
    max_retries=st.integers(0, 100),
    jitter=st.booleans(),
)
FRACTIONS = st.floats(0, 1, exclude_max=True)


def test_without_jitter_the_waits_grow_by_the_factor_up_to_the_cap() -> None:
    policy = RetryPolicy(timedelta(seconds=5), 2.0, timedelta(seconds=30), jitter=False)
    assert [policy.wait(retry, 0.1).total_seconds() for retry in range(1, 6)] == [5, 10, 20, 30, 30]


@given(POLICIES, st.integers(1, 101), FRACTIONS)
def test_a_wait_lies_between_nothing_and_its_ceiling(policy: RetryPolicy, retry: int, fraction: float) -> None:
    ceiling = min(policy.cap.total_seconds(), policy.initial.total_seconds() * policy.factor ** (retry - 1))
    assert timedelta(0) <= policy.wait(retry, fraction) <= policy.cap
    assert policy.wait(retry, fraction).total_seconds() <= max(ceiling, 0) * (1 + 1e-9) + 1e-6


@given(POLICIES, st.integers(1, 100), FRACTIONS)
def test_a_later_retry_never_waits_less_for_the_same_draw(policy: RetryPolicy, retry: int, fraction: float) -> None:
    assert policy.wait(retry + 1, fraction) >= policy.wait(retry, fraction)


def test_a_thousandth_retry_is_still_a_number() -> None:
    assert RetryPolicy(factor=100.0, jitter=False).wait(1_000, 0.0) == RetryPolicy().cap


@pytest.mark.parametrize("error", TRANSIENT)
def test_a_transient_error_is_tried_again_within_the_first_ceiling(error: Exception) -> None:
    decision = decide(error, failures=0, policy=POLICY, attempt=ATTEMPT)
    assert isinstance(decision, TryAgain)
    assert timedelta(0) <= decision.wait <= POLICY.initial


@pytest.mark.parametrize("error", TRANSIENT)
def test_a_transient_error_is_given_up_when_the_retries_are_spent(error: Exception) -> None:
    assert decide(error, failures=POLICY.max_retries, policy=POLICY, attempt=ATTEMPT) == GiveUp()


def test_a_job_without_retries_gives_up_at_once() -> None:
    policy = RetryPolicy(max_retries=0)
    assert decide(ProviderDown("502"), failures=0, policy=policy, attempt=ATTEMPT) == GiveUp()


@pytest.mark.parametrize("error", [SymbolUnknown("404"), RangeRefused("422")])
def test_a_permanent_error_is_never_tried_again(error: Exception) -> None:
    assert decide(error, failures=0, policy=POLICY, attempt=ATTEMPT) == GiveUp()


@pytest.mark.parametrize("failures", [0, 5, 100])
def test_a_rate_limit_uses_up_nothing_and_waits_as_the_provider_asks(failures: int) -> None:
    error = RateLimited("429", retry_after=timedelta(seconds=17))
    assert decide(error, failures=failures, policy=POLICY, attempt=ATTEMPT) == Defer(timedelta(seconds=17))


@pytest.mark.parametrize("asked", [None, timedelta(0)])
def test_a_rate_limit_that_names_no_time_cools_down(asked: timedelta | None) -> None:
    decision = decide(RateLimited("429", retry_after=asked), failures=0, policy=POLICY, attempt=ATTEMPT)
    assert decision == Defer(COOL_DOWN)


@pytest.mark.parametrize("failures", [0, 5, 100])
def test_a_server_of_ours_that_is_away_uses_up_nothing(failures: int) -> None:
    assert decide(Unreachable("db"), failures=failures, policy=POLICY, attempt=ATTEMPT) == Defer(DEFER_FOR)


@pytest.mark.parametrize("failures", [0, 5, 100])
def test_an_answer_that_was_overtaken_by_a_split_uses_up_nothing(failures: int) -> None:
    decision = decide(Overtaken("AAPL was split"), failures=failures, policy=POLICY, attempt=ATTEMPT)
    assert decision == Defer(DEFER_FOR)


def test_an_attempt_that_ran_out_of_time_is_tried_again_and_in_the_end_timed_out() -> None:
    error = Interrupted("deadline")
    assert isinstance(decide(error, failures=0, policy=POLICY, attempt=ATTEMPT), TryAgain)
    assert decide(error, failures=5, policy=POLICY, attempt=ATTEMPT) == GiveUp(timed_out=True)


@given(st.uuids())
def test_the_draw_is_a_fraction_and_the_same_on_every_node(attempt: UUID) -> None:
    assert 0 <= fraction_of(attempt) < 1
    assert fraction_of(attempt) == fraction_of(UUID(str(attempt)))


def test_a_provider_that_everybody_leaves_alone_costs_no_attempt() -> None:
    error = ProviderDown("502")
    assert isinstance(decide(error, failures=0, policy=POLICY, attempt=ATTEMPT), TryAgain)
    error.retry_after = timedelta(seconds=17)
    assert decide(error, failures=99, policy=POLICY, attempt=ATTEMPT) == Defer(timedelta(seconds=17))
