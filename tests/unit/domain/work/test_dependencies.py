"""What becomes of one that waits for others, and circles among jobs."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.work.dependencies import Awaited, Fate, Standing, Start, Stop, Wait, circles, decide
from stockjobs.domain.work.jobs import OnFailure
from stockjobs.domain.work.states import ENDED, OPEN, State


def awaited(
    state: State | None, on_failure: OnFailure = OnFailure.SKIP, *, job: str = "BASE", may_come: bool = True
) -> Awaited:
    return Awaited(0, job, None, on_failure, state, may_come)


@pytest.mark.parametrize("state", OPEN)
def test_an_open_one_is_waited_for(state: State) -> None:
    assert decide([awaited(State.COMPLETED), awaited(state)]) == Wait()


def test_it_starts_when_all_have_completed() -> None:
    assert decide([awaited(State.COMPLETED), awaited(State.COMPLETED)]) == Start()


@pytest.mark.parametrize("state", [state for state in ENDED if state is not State.COMPLETED])
@pytest.mark.parametrize(
    ("policy", "ends_as"), [(OnFailure.SKIP, State.SKIPPED), (OnFailure.FAIL, State.FAILED), (OnFailure.RUN, None)]
)
def test_what_did_not_succeed_counts_by_its_policy(state: State, policy: OnFailure, ends_as: State | None) -> None:
    expected: Fate = Stop(ends_as, f"it waited for 'BASE', which {awaited(state).shown()}") if ends_as else Start()
    assert decide([awaited(state, policy)]) == expected


def test_how_it_ended_is_told_in_words() -> None:
    fates = [decide([awaited(state)]) for state in (State.TIMEOUT, State.SKIPPED)]
    assert [fate.reason for fate in fates if isinstance(fate, Stop)] == [
        "it waited for 'BASE', which ran out of time",
        "it waited for 'BASE', which was skipped",
    ]


def test_a_failure_that_matters_ends_it_though_others_still_run() -> None:
    assert isinstance(decide([awaited(State.RUNNING), awaited(State.FAILED)]), Stop)


def test_a_failure_that_does_not_matter_lets_it_wait_for_the_others() -> None:
    assert decide([awaited(State.FAILED, OnFailure.RUN), awaited(State.RUNNING)]) == Wait()


def test_what_is_not_there_is_waited_for_only_as_long_as_it_may_come() -> None:
    assert decide([awaited(None)]) == Wait()
    reason = "it waited for 'BASE', which has no occurrence at that time, and will have none"
    assert decide([awaited(None, may_come=False)]) == Stop(State.SKIPPED, reason)


def test_what_was_decided_once_stands_though_the_other_is_tried_again() -> None:
    again = Awaited(0, "BASE", None, OnFailure.RUN, State.RUNNING, known=Standing.UNMET)
    assert again.standing() is Standing.UNMET
    assert decide([again]) == Start()


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ({"a": ["b"], "b": ["c"]}, []),
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, [["a", "b", "c", "a"]]),
        ({"a": ["a"]}, [["a", "a"]]),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"]}, []),
        ({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}, [["a", "b", "a"], ["c", "d", "c"]]),
        ({"a": ["b", "d"], "b": ["c"], "c": ["d"], "d": ["a"]}, [["a", "d", "a"], ["b", "c", "d", "a", "b"]]),
    ],
)
def test_circles_are_named_from_their_first_job_the_short_way(
    edges: dict[str, list[str]], found: list[list[str]]
) -> None:
    assert circles(edges, edges) == found


def test_a_circle_that_goes_through_none_of_those_asked_about_is_not_told() -> None:
    assert circles({"a": ["b"], "b": ["a"], "c": ["a"]}, ["c"]) == []


def test_a_long_chain_is_looked_at_in_no_time() -> None:
    chain = {str(number): [str(number + 1)] for number in range(20_000)}
    began = time.process_time()
    assert circles(chain, chain) == []
    assert circles({**chain, "20000": ["19999"]}, chain) == [["19999", "20000", "19999"]]
    assert time.process_time() - began < 2


GRAPHS = st.dictionaries(st.integers(0, 9).map(str), st.sets(st.integers(0, 9).map(str), max_size=3))


@given(GRAPHS)
def test_every_circle_is_one_and_none_is_missed(edges: dict[str, set[str]]) -> None:
    found = circles(edges, edges)
    for circle in found:
        assert circle[0] == circle[-1]
        assert all(later in edges[earlier] for earlier, later in pairwise(circle))
    assert bool(found) == _has_circle(edges)


def _has_circle(edges: dict[str, set[str]]) -> bool:
    """Take away again and again whoever waits for nobody; in a circle nobody ever is."""
    left = {job: set(others) for job, others in edges.items()}
    while free := [job for job, others in left.items() if not others & left.keys()]:
        for job in free:
            del left[job]
    return bool(left)
