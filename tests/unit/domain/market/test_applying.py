"""Applying: which landings have a split, by what came again, by how prices join, and by when they were made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from stockjobs.domain.market.applying import (
    Again,
    Applied,
    Arrival,
    Evidence,
    History,
    by_ratio,
    by_several,
    by_split,
)
from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.restatement import Known
from stockjobs.domain.market.shares import LATE, Bound, Past
from stockjobs.domain.market.splits import Split

DAY = 86_400
EX_DAY = datetime(2025, 6, 2, tzinfo=UTC)
EX = int(EX_DAY.timestamp())
SPLIT = Split(EX, 4.0)
LATER = Split(EX + 3 * DAY, 10.0)


@dataclass(frozen=True)
class Run:
    """Bars of one landing: its number, the days (from the ex-day) of its first bar and after its last, the day on which it was
    made, by how much its price of 100 stands higher, and the splits that it is known to have.
    """

    landing: int
    first: int
    until: int
    made: float = -300.0
    high: float = 4.0
    factor: float = 1.0


def days(first: int, until: int) -> np.ndarray:
    return EX + np.arange(first, until, dtype=np.int64) * DAY


def bars_of(first: int, until: int, high: float = 1.0) -> Bars:
    at = days(first, until)
    price = np.full(len(at), 100.0 * high)
    return Bars(at, price, price, price, price, np.full(len(at), 10), np.zeros(len(at), dtype=np.bool_))


def when(day: float) -> datetime:
    return EX_DAY + timedelta(days=day)


def history_of(*runs: Run, silent: frozenset[int] = frozenset()) -> History:
    """Stored bars, in the order of time."""

    def column(values: list[float]) -> np.ndarray:
        return np.repeat(np.array(values), [run.until - run.first for run in runs])

    at = np.concatenate([days(run.first, run.until) for run in runs])
    price, landing = column([100 * run.high for run in runs]), column([run.landing for run in runs]).astype(np.int64)
    past = Past(at, price, price, landing)
    return History(past, column([run.factor for run in runs]), {run.landing: when(run.made) for run in runs}, silent)


def arrival_of(
    came: Bars, history: History, *, asked: float = 0.5, again: bool = True, splits: tuple[Split, ...] = (SPLIT,)
) -> Arrival:
    """What came on a day, and which of the stored bars came again with it."""
    place = np.flatnonzero(np.isin(history.past.at, came.at) & again)
    stored = Again(history.past.at[place], history.factor[place], history.past.landing[place])
    return Arrival(came, when(asked), splits, stored)


def firsts(found: Applied) -> dict[str, object]:
    """What was found, without what is empty or as it mostly is, and days in place of seconds."""
    told: dict[str, object] = {
        name: set(getattr(found, name))
        for name in ("old", "new", "done", "unclear", "with_rest")
        if getattr(found, name)
    }
    if found.ask_from is not None:
        told["ask_from"] = (found.ask_from - EX) // DAY
    if found.rest:
        told["rest"] = [(at - EX) // DAY for at in found.rest]
    # Only of what is told anew is it asked whether it was shown.
    is_shown = found.is_shown and bool(found.old)
    return told | {name: True for name, holds in (("is_pending", found.is_pending), ("is_shown", is_shown)) if holds}


FAR = Run(1, -500, -480)
NEAR = Run(2, -20, 0)


@pytest.mark.parametrize(
    ("case", "runs", "sure", "told"),
    [
        ("all was seen", [NEAR], {2: True}, {"old": {2}}),
        ("prices go on from what came", [Run(2, -20, 0, high=1.0)], {}, {"new": {2}}),
        ("prices jump to what came", [NEAR], {}, {"old": {2}}),
        ("what is from before that which was seen", [FAR, NEAR], {2: True}, {"old": {1, 2}}),
        (
            "what is from after it",
            [Run(1, -500, -480, made=-200), NEAR],
            {2: True},
            {"old": {2}, "unclear": {1}, "ask_from": -500},
        ),
        ("what is from after something, of which nothing was seen", [Run(1, -500, -480, made=-200)], {}, {"old": {1}}),
        ("what is known to be in new shares", [FAR, NEAR], {1: False, 2: True}, {"old": {2}, "new": {1}}),
    ],
)
def test_a_ratio_without_a_split_is_applied_to(
    case: str, runs: list[Run], sure: dict[int, bool], told: dict[str, object]
) -> None:
    history = history_of(*runs)
    evidence = Evidence(history, arrival_of(bars_of(0, 5), history, splits=()))
    expected = told | ({"is_shown": True} if "old" in told else {})
    assert firsts(by_ratio(evidence, 4.0, sure)) == expected, case


@dataclass(frozen=True)
class Case:
    """A split, what is stored, what came and when, and what is told of it."""

    name: str
    runs: list[Run]
    came: Bars
    told: dict[str, object]
    sure: tuple[int, ...] = ()
    asked: float = 0.5
    silent: frozenset[int] = frozenset()
    bound: Bound | None = None


AFTER, ACROSS_AS_STORED, ACROSS_NEW = bars_of(0, 3), bars_of(-5, 0, 4.0), bars_of(-5, 1, 1.0)
HAS = Run(3, -40, -30, made=1.0, high=1.0, factor=4.0)
PLAIN = Bound(EX, 100.0)

BY_SPLIT = [
    Case("the comparison has shown it", [FAR, NEAR], ACROSS_NEW, {"old": {1, 2}, "is_shown": True}, sure=(2,)),
    Case("nothing from before it came: the first bar tells", [NEAR], AFTER, {"old": {2}}, bound=PLAIN),
    Case("the first bar goes on", [Run(2, -20, 0, 1.0, high=1.0)], AFTER, {"new": {2}}, bound=PLAIN),
    Case("all have it", [HAS], AFTER, {"done": {3}}),
    Case(
        "some bars of a landing have it, the rest has it as well",
        [HAS, Run(3, -30, -28, made=1.0, high=1.0)],
        AFTER,
        {"done": {3}, "rest": [-30, -29], "with_rest": {3}},
    ),
    Case(
        "some were told anew by another ratio, of which nobody has told, with others that lack it",
        [Run(3, -40, -30, factor=20.0), Run(3, -30, -29)],
        bars_of(-20, 1),
        {"old": {3}, "is_shown": True},
        sure=(3,),
    ),
    Case(
        "nothing tells of what landed about its day",
        [Run(1, -500, -480, made=1.0)],
        AFTER,
        {"unclear": {1}, "ask_from": -500},
    ),
    Case("its time tells of what landed long before", [FAR], AFTER, {"old": {1}}),
    Case("its time tells of what landed long after", [Run(1, -500, -480, made=20.0)], AFTER, {"new": {1}}),
    Case(
        "who is silent tells nothing by its time",
        [Run(1, -500, -480, made=1.5), Run(3, -40, -30, made=1.0, high=1.0, factor=4.0)],
        AFTER,
        {"unclear": {1}, "done": {3}, "ask_from": -500},
        silent=frozenset({3}),
    ),
    Case(
        "a landing after one that has it",
        [Run(1, -500, -480, made=1.5), HAS],
        AFTER,
        {"new": {1}, "done": {3}},
    ),
    Case(
        "a window from before it, alone, before sources have all applied it",
        [FAR],
        bars_of(-100, -90),
        {"is_pending": True, "ask_from": -500},
    ),
    Case(
        "such a window, where something is known to have it",
        [FAR, HAS],
        bars_of(-50, -40),
        {"old": {1}, "done": {3}, "is_shown": True},
        asked=2.0,
    ),
    Case(
        "such a window, and nothing leads from it to what has it",
        [HAS],
        bars_of(-500, -480),
        {"done": {3}, "is_pending": True, "ask_from": -500},
        asked=0.9,
    ),
    Case("such a window, long after", [FAR], bars_of(-100, -90), {"old": {1}, "is_shown": True}, asked=14.0),
    Case("it came as it is, and none has it: not applied yet", [NEAR], ACROSS_AS_STORED, {"done": {2}}),
    Case(
        "it came as it is with older bars, which go on from it",
        [NEAR],
        bars_of(-40, 0, 4.0),
        {"done": {2}, "is_pending": True, "ask_from": -40},
    ),
    Case(
        "what came steps by the ratio at its day",
        [FAR],
        bars_of(-10, 0, 4.0),
        {"is_pending": True, "ask_from": -500},
        bound=PLAIN,
    ),
    Case(
        "it came as it is, long after: it has it",
        [Run(2, -20, 0, made=1.0, high=1.0)],
        ACROSS_NEW,
        {"new": {2}},
        asked=14.0,
    ),
    Case(
        "it came as it is, after something came that has it",
        [HAS, Run(2, -20, 0, made=1.5, high=1.0)],
        ACROSS_NEW,
        {"new": {2}, "done": {3}},
        asked=2.0,
    ),
    Case(
        "it came as it is, and others have it: these are asked for with it",
        [HAS, NEAR],
        ACROSS_AS_STORED,
        {"done": {2, 3}, "ask_from": -20},
        asked=0.5,
    ),
    Case(
        "it came as it is and joins what comes after, others do not",
        [Run(2, -20, -5), Run(4, -5, 0, made=-1.0, high=1.0)],
        ACROSS_NEW,
        {"new": {4}, "done": {2}, "ask_from": -20},
        bound=PLAIN,
    ),
]


@pytest.mark.parametrize("case", BY_SPLIT, ids=lambda case: case.name)
def test_a_split_is_applied(case: Case) -> None:
    history = history_of(*case.runs, silent=case.silent)
    arrival = arrival_of(case.came, history, asked=case.asked)
    found = by_split(Evidence(history, arrival, case.bound), SPLIT, dict.fromkeys(case.sure, True))
    assert firsts(found) == case.told
    assert (found.ratio, found.split) == (SPLIT.ratio, SPLIT)


BOTH = (SPLIT, LATER)
END = Bound(LATER.at, 100.0)


def several(
    runs: list[Run], came: Bars, *, asked: float = 4.0, sure: dict[int, int] | None = None, bound: Bound | None = None
) -> list[dict[str, object]]:
    history = history_of(*runs)
    arrival = arrival_of(came, history, asked=asked, again=False, splits=BOTH)
    return [firsts(one) for one in by_several(Evidence(history, arrival, bound), BOTH, sure or {})]


def test_of_several_splits_each_landing_has_so_many_as_its_prices_tell() -> None:
    runs = [Run(1, -30, -20, high=40.0), Run(2, -20, -10, high=10.0), Run(3, -10, 0, high=1.0)]
    first, second = several(runs, bars_of(3, 5), bound=END)
    assert first == {"old": {1}, "new": {2, 3}}
    assert second == {"old": {1, 2}, "new": {3}}


def test_of_several_splits_those_that_the_source_has_not_applied_yet_are_pending() -> None:
    """What came has the first one only, as the bars beside it that have none tell."""
    runs = [Run(1, -30, -20, high=40.0, made=-30)]
    came = bars_of(-20, -15, 10.0)
    first, second = several(runs, came, bound=Bound(LATER.at - 18 * DAY, 100.0))
    assert first == {"old": {1}, "is_shown": True}
    assert second == {"done": {1}, "is_pending": True}


def test_of_several_splits_nothing_is_told_before_it_is_known_how_many_are_in_what_came() -> None:
    first, second = several([FAR], bars_of(-300, -290, 10.0))
    assert first == {"is_pending": True}
    assert second == {"is_pending": True, "ask_from": -500}


def test_of_several_splits_what_is_known_to_have_them_is_not_asked_for_again() -> None:
    ready = Run(1, -500, -480, made=1, high=1.0, factor=40.0)
    first, second = several([ready], bars_of(-100, -90))
    assert first == {"is_pending": True}
    assert second == {"is_pending": True, "ask_from": -100}


def test_of_several_splits_the_comparison_says_how_many_a_landing_has() -> None:
    first, second = several([FAR, Run(2, -20, 0, high=10.0)], bars_of(-20, 5), sure={2: 1})
    assert first == {"old": {1}, "new": {2}, "is_shown": True}
    assert second == {"old": {1, 2}, "is_shown": True}


def test_of_several_splits_the_times_tell_where_prices_do_not() -> None:
    runs = [Run(1, -900, -880), Run(2, -500, -480, made=3.5), Run(3, -200, -190, made=40.0)]
    first, second = several(runs, bars_of(4, 5), asked=41.0)
    assert first == {"old": {1}, "new": {3}, "unclear": {2}}
    assert second == {"old": {1}, "new": {3}, "unclear": {2}, "ask_from": -500}


def test_of_several_splits_those_that_a_landing_has_already_are_done() -> None:
    runs = [Run(1, -30, -20, high=10.0, factor=4.0), Run(2, -20, 0, high=40.0)]
    first, second = several(runs, bars_of(3, 5), bound=END)
    assert first == {"old": {2}, "done": {1}}
    assert second == {"old": {1, 2}}


def test_what_came_again_is_what_is_settled_on_both_sides() -> None:
    stored, came = bars_of(-5, 0, 4.0), bars_of(-3, 2)
    came.provisional[0] = stored.provisional[-1] = True
    again = Again.of(Known(stored, np.ones(5), np.arange(5)), came)
    assert again.at.tolist() == days(-2, -1).tolist()
    assert again.landing.tolist() == [3]


@pytest.mark.parametrize(
    ("came", "asked", "factor", "is_applied"),
    [
        (bars_of(0, 3), 0.0, 1.0, True),
        (bars_of(-5, 3), 0.0, 1.0, False),
        (bars_of(-5, 3), 0.0, 4.0, True),
        (bars_of(-5, 3), LATE.days - 0.01, 1.0, False),
        (bars_of(-5, 3), float(LATE.days), 1.0, True),
    ],
    ids=["nothing from before", "as it is stored", "has it as it is stored", "a bit too early", "two weeks after"],
)
def test_what_came_has_a_split_for_sure(came: Bars, asked: float, factor: float, is_applied: bool) -> None:
    history = history_of(Run(1, -5, 0, high=1.0, factor=factor))
    assert arrival_of(came, history, asked=asked).is_applied(SPLIT) is is_applied


def test_the_bound_is_the_first_bar_of_what_came_and_what_is_stored() -> None:
    arrival = arrival_of(bars_of(1, 3), history_of(NEAR))
    stored = Bound(EX, 7.0)
    assert arrival.bound(EX, stored) == stored
    assert arrival.bound(EX, None) == Bound(EX + DAY, 100.0)
    assert arrival.bound(EX + 9 * DAY, None) is None


def test_landings_that_are_silent_or_late_have_not_come_before() -> None:
    history = history_of(Run(1, -20, -10, made=1.0), Run(2, -10, 0, made=3.0), silent=frozenset({2}))
    assert history.has_come([1], when(2.0))
    assert not history.has_come([1], when(1.0))
    assert not history.has_come([2, 9], when(9.0))


@pytest.mark.parametrize(("made", "told"), [(-20, {"old": {1, 2}}), (-1, {"done": {1}, "old": {2}})])
def test_what_was_told_anew_long_before_a_split_lacks_it_once_others_were_seen_to(
    made: float, told: dict[str, object]
) -> None:
    """By a larger ratio that no split explains, so that its factor does not tell."""
    history = history_of(Run(1, -40, -10, made=made, factor=7.0), Run(2, -10, 0, made=-1))
    evidence = Evidence(history, arrival_of(bars_of(-5, 5), history), Bound(EX, 100.0))
    assert firsts(by_split(evidence, SPLIT, {2: True})) == {**told, "is_shown": True}
    unseen = by_split(Evidence(history, arrival_of(bars_of(0, 5), history), Bound(EX, 100.0)), SPLIT)
    assert unseen.done == {1}
