"""Taking a step a second time."""

from __future__ import annotations

import pytest

from stockjobs.errors import Busy, StockjobsError, Unreachable
from stockjobs.services.repetition import taken_twice_if_busy


class Steps:
    """A service whose step meets these errors before it succeeds."""

    def __init__(self, *errors: StockjobsError) -> None:
        self.errors = list(errors)
        self.taken = 0

    @taken_twice_if_busy
    def step(self, answer: str) -> str:
        self.taken += 1
        if self.errors:
            raise self.errors.pop(0)
        return answer


def test_a_step_that_somebody_was_in_the_way_of_is_taken_once_more() -> None:
    steps = Steps(Busy("a deadlock"))
    assert steps.step("done") == "done"
    assert steps.taken == 2


def test_the_second_time_says_that_somebody_is_still_in_the_way() -> None:
    steps = Steps(Busy("first"), Busy("second"))
    with pytest.raises(Busy, match="second"):
        steps.step("done")


def test_a_database_that_is_away_is_not_asked_again_at_once() -> None:
    steps = Steps(Unreachable("away"))
    with pytest.raises(Unreachable):
        steps.step("done")
    assert steps.taken == 1
