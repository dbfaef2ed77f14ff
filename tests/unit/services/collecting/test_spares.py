"""Spares: how many places an attempt gets in advance."""

from __future__ import annotations

from itertools import count

from stockjobs.services.collecting.spares import Spares


def spares(likely: int, made: int = 0) -> Spares:
    """Those of an attempt that has made some of its likely requests."""
    numbers = count(1)
    found = Spares(lambda: f"a:{next(numbers)}", likely)
    for _ in range(made):
        found.note_request()
    return found


def test_none_are_wanted_for_an_attempt_of_one_request() -> None:
    assert spares(likely=1).wanted() == ()


def test_those_of_the_requests_that_are_likely_to_follow_are_wanted_at_once() -> None:
    assert spares(likely=4).wanted() == ("a:1", "a:2", "a:3")


def test_no_more_than_fifteen_are_wanted_at_once() -> None:
    assert len(spares(likely=500).wanted()) == 15


def test_more_are_wanted_the_more_requests_have_been_made_beyond_the_likely_ones() -> None:
    assert len(spares(likely=1, made=2).wanted()) == 6
