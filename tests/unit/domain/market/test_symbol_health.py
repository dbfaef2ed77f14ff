"""When a symbol that its provider does not know is suspect, and when dead."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.market.symbol_health import (
    DEAD_DAYS,
    DEAD_SPAN,
    SUSPECT_DAYS,
    Health,
    Standing,
    after_answer,
    after_unknown,
    is_trusted,
    renamed,
    why_not_asked,
)

MONDAY = date(2026, 3, 2)


def unknown_on(*days: int) -> Standing:
    standing = Standing()
    for day in days:
        standing = after_unknown(standing, MONDAY + timedelta(days=day), "no data found")
    return standing


@pytest.mark.parametrize(
    ("days", "state"),
    [
        ((0,), Health.ACTIVE),
        ((0, 0, 0, 0), Health.ACTIVE),
        ((0, 1), Health.ACTIVE),
        ((0, 10), Health.ACTIVE),
        ((0, 1, 2), Health.SUSPECT),
        ((0, 7, 14), Health.SUSPECT),
        (tuple(range(13)), Health.SUSPECT),
        (tuple(range(14)), Health.DEAD),
        ((0, 1, 2, 3, 4, 5, 13), Health.DEAD),
        ((0, 1, 2, 3, 4, 13), Health.SUSPECT),
    ],
)
def test_it_takes_several_days_that_lie_apart(days: tuple[int, ...], state: Health) -> None:
    assert unknown_on(*days).state is state


@given(st.lists(st.integers(0, 60), min_size=1).map(sorted))
def test_no_state_comes_earlier_than_its_days(days: list[int]) -> None:
    standing, distinct = unknown_on(*days), len(set(days))
    assert standing.unknown_days == distinct
    if standing.state is not Health.ACTIVE:
        assert distinct >= SUSPECT_DAYS
    if standing.state is Health.DEAD:
        assert distinct >= DEAD_DAYS
        assert timedelta(days=days[-1] - days[0] + 1) >= DEAD_SPAN


def test_an_answer_makes_good_all_that_was_thought() -> None:
    assert after_answer(unknown_on(*range(20))).is_clean


def test_a_renamed_symbol_stays_renamed_whatever_is_said_of_it() -> None:
    standing = renamed("META", datetime(2022, 6, 9, tzinfo=UTC))
    assert after_unknown(standing, MONDAY, "no") == after_answer(standing) == standing
    assert standing.reason == "renamed to META on 2022-06-09"


def test_a_dead_symbol_is_asked_for_once_a_week() -> None:
    dead = unknown_on(*range(14))
    last = datetime(2026, 3, 15, tzinfo=UTC)
    assert "it is dead (unknown on 14 days since 2026-03-02: no data found)" in why_not_asked(dead, last)
    assert why_not_asked(dead, last + timedelta(days=6, hours=23))
    assert why_not_asked(dead, last + timedelta(days=7)) == ""
    assert why_not_asked(unknown_on(0, 1, 2), last) == ""


@pytest.mark.parametrize(
    ("answered", "unknown", "others_fine", "trusted"),
    [(1, 1, False, True), (5, 1, False, True), (1, 2, True, False), (0, 1, True, True), (0, 1, False, False)],
)
def test_a_provider_is_believed_if_it_knew_as_many_others(
    answered: int, unknown: int, others_fine: bool, trusted: bool
) -> None:
    assert is_trusted(answered, unknown, others_fine=others_fine) is trusted
