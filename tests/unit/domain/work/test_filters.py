"""Which occurrences are meant."""

from __future__ import annotations

import pytest

from stockjobs.domain.work.filters import EVERYTHING, Filter
from stockjobs.domain.work.states import OPEN, State


def test_a_filter_that_asks_for_nothing_leaves_nothing_out() -> None:
    assert EVERYTHING.is_empty
    assert Filter(labels={}).is_empty
    assert not Filter(tag="nightly").is_empty


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ((), OPEN),
        ((State.RUNNING,), (State.RUNNING,)),
        ((State.FAILED, State.QUEUED), (State.QUEUED,)),
        ((State.FAILED,), ()),
    ],
)
def test_the_states_that_are_possible_are_picked(asked: tuple[State, ...], found: tuple[State, ...]) -> None:
    assert Filter(states=asked).states_among(*OPEN) == found
