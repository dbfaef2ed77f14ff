"""The budgets in a real Redis. The time is the test's, except where it is the server's that counts."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest
import redis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stockjobs.domain.asking.budgets import BREAK_AFTER, BREAK_FOR, CALM, NO_BUDGET, Answer, Budget, Closure, Turn
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import BrokerAway, HeldBack, Interrupted, ProviderDown, RateLimited, SymbolUnknown
from stockjobs.transport.budget import Budgets, Ended, Place

pytestmark = pytest.mark.integration

NOTHING, LONG = timedelta(0), timedelta(hours=2)
DOWN = ProviderDown("502", status=502)


class Desk:
    """A budget in Redis, at a time that the test tells."""

    def __init__(self, url: str) -> None:
        self.now = 1_800_000_000_000
        self.budgets = Budgets(url, clock=lambda: str(self.now))
        self._numbers = count()

    def after(self, **length: float) -> Desk:
        """The same later."""
        self.now += int(timedelta(**length).total_seconds() * 1_000)
        return self

    def ask(self, place: Place, lane: Lane = Lane.REALTIME, *, ticket: str = "", most: timedelta = NOTHING) -> Answer:
        return self.budgets.enter(place, ticket or self.ticket(), lane, most=most).answer

    def wait(self, place: Place, lane: Lane = Lane.REALTIME, *, ticket: str = "") -> float:
        """How long a request would have to wait, in seconds; it queues for that long."""
        return self.budgets.enter(place, ticket or self.ticket(), lane, most=LONG).wait.total_seconds()

    def fetch(self, place: Place, error: Exception | None = None) -> Turn | None:
        """A whole request, which is answered at once."""
        ticket = self.ticket()
        assert self.ask(place, ticket=ticket) is Answer.GO
        return self.budgets.leave(place, ticket, error).turn  # type: ignore[arg-type]

    def ticket(self) -> str:
        return f"t{next(self._numbers)}"


@pytest.fixture
def desk(redis_url: str) -> Iterator[Desk]:
    found = Desk(redis_url)
    yield found
    found.budgets.close()


def place(*limits: int, egress: str = "default", kept: float = 0.0) -> Place:
    return Place("yahoo", egress, Budget(*limits), kept, timedelta(seconds=20))


def test_a_window_holds_no_more_than_its_budget(desk: Desk) -> None:
    five = place(5, 0, 0)
    assert [desk.ask(five) for _ in range(7)] == [Answer.GO] * 5 + [Answer.LATER] * 2


def test_each_window_counts_for_itself(desk: Desk) -> None:
    both = place(2, 3, 0)
    assert [desk.fetch(both), desk.fetch(both)] == [None, None]
    assert desk.wait(both, ticket="a") == pytest.approx(1.0, abs=0.05)
    assert desk.after(seconds=1.1).ask(both, ticket="a") is Answer.GO
    assert desk.wait(both) == pytest.approx(58.9, abs=1.0)


def test_a_request_counts_until_a_window_after_its_answer(desk: Desk) -> None:
    one = place(1, 0, 0)
    assert desk.ask(one, ticket="slow") is Answer.GO
    assert desk.after(seconds=3).ask(one) is Answer.LATER
    desk.budgets.leave(one, "slow", None)
    assert desk.after(seconds=0.9).ask(one) is Answer.LATER
    assert desk.after(seconds=0.2).ask(one) is Answer.GO


def test_a_request_that_was_never_heard_of_again_counts_until_it_cannot_be_under_way_any_more(desk: Desk) -> None:
    one = place(1, 0, 0)
    desk.ask(one, ticket="died")
    assert desk.after(seconds=20.9).ask(one) is Answer.LATER
    assert desk.after(seconds=0.2).ask(one) is Answer.GO


Step = tuple[int, float, float, Lane]
STEPS = st.lists(
    st.tuples(st.integers(0, 700), st.floats(0, 1), st.floats(0, 1), st.sampled_from(Lane)),
    min_size=20,
    max_size=60,
)


@settings(
    max_examples=25,
    deadline=None,
    # To shrink a failure would take minutes of a real server.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS, latency=st.integers(0, 2_500))
def test_the_providers_own_count_is_never_higher_however_long_requests_are_under_way(
    desk: Desk, redis_db: redis.Redis, steps: list[Step], latency: int
) -> None:
    """Each step waits, asks, and if it may go arrives and is answered some time later."""
    redis_db.flushall()
    here = place(3, 20, 0, kept=0.3)
    arrivals: list[tuple[int, Lane]] = []
    under_way: list[tuple[int, str]] = []
    for pause, on_its_way, back, lane in steps:
        until = desk.now + pause
        for answered, ticket in sorted(under_way):
            if answered <= until:
                desk.now = max(desk.now, answered)
                desk.budgets.leave(here, ticket, None)
        under_way = [one for one in under_way if one[0] > until]
        desk.now = until
        ticket = desk.ticket()
        if desk.ask(here, lane, ticket=ticket) is Answer.GO:
            arrived = desk.now + int(on_its_way * latency)
            arrivals.append((arrived, lane))
            under_way.append((arrived + int(back * latency), ticket))
    for wanted, limits in ((tuple(Lane), (3, 20)), ((Lane.HISTORICAL,), (2, 14))):
        at = sorted(moment for moment, lane in arrivals if lane in wanted)
        for span, limit in zip((1_000, 60_000), limits, strict=True):
            most = max((bisect_right(at, start + span) - bisect_left(at, start) for start in at), default=0)
            assert most <= limit


def test_historical_work_leaves_its_share_to_realtime_work(desk: Desk) -> None:
    ten = place(10, 0, 0, kept=0.3)
    assert [desk.ask(ten, Lane.HISTORICAL) for _ in range(8)].count(Answer.GO) == 7
    assert [desk.ask(ten) for _ in range(4)].count(Answer.GO) == 3


def test_realtime_work_may_use_all_of_it(desk: Desk) -> None:
    ten = place(10, 0, 0, kept=0.3)
    assert [desk.ask(ten) for _ in range(11)].count(Answer.GO) == 10
    assert desk.ask(ten, Lane.HISTORICAL) is Answer.LATER


def test_of_a_budget_of_one_historical_work_gets_it_when_nobody_else_wants_it(desk: Desk) -> None:
    assert desk.ask(place(1, 0, 0, kept=0.9), Lane.HISTORICAL) is Answer.GO


def test_those_who_wait_are_served_in_their_order(desk: Desk) -> None:
    one = place(1, 0, 0)
    desk.fetch(one)
    waits = [desk.after(seconds=0.01).wait(one, ticket=name) for name in ("first", "second", "third")]
    assert waits == pytest.approx([1.0, 2.0, 3.0], abs=0.1)
    desk.after(seconds=1)
    assert [desk.ask(one, ticket=name, most=LONG) for name in ("newcomer", "third", "second", "first")] == [
        Answer.WAIT, Answer.WAIT, Answer.WAIT, Answer.GO,
    ]  # fmt: skip


def test_realtime_work_is_served_before_historical_work_that_waits(desk: Desk) -> None:
    one = place(1, 0, 0)
    desk.fetch(one)
    desk.wait(one, Lane.HISTORICAL, ticket="old")
    desk.wait(one, Lane.REALTIME, ticket="new")
    desk.after(seconds=1.01)
    assert desk.ask(one, Lane.HISTORICAL, ticket="old", most=LONG) is Answer.WAIT
    assert desk.ask(one, Lane.REALTIME, ticket="new") is Answer.GO


def test_who_does_not_come_back_keeps_nobody_from_its_place(desk: Desk) -> None:
    one = place(1, 0, 0)
    desk.fetch(one)
    desk.wait(one, ticket="died")
    assert desk.after(seconds=2).ask(one) is Answer.LATER
    assert desk.after(seconds=2).ask(one) is Answer.GO


def test_who_is_told_to_come_later_stands_in_nobodys_way(desk: Desk) -> None:
    one = place(1, 0, 0)
    desk.fetch(one)
    assert [desk.ask(one, most=timedelta(milliseconds=10)) for _ in range(5)] == [Answer.LATER] * 5
    assert desk.wait(one) == pytest.approx(1.0, abs=0.05)


def test_two_egresses_have_two_budgets(desk: Desk) -> None:
    here, there = place(1, 0, 0), place(1, 0, 0, egress="tokyo")
    assert [desk.ask(one) for one in (here, there, here, there)] == [Answer.GO, Answer.GO, Answer.LATER, Answer.LATER]
    desk.after(seconds=30).fetch(here, RateLimited("429"))
    assert [desk.ask(one) for one in (here, there)] == [Answer.LATER, Answer.GO]


def test_a_limit_closes_the_provider_for_as_long_as_it_asked_for(desk: Desk) -> None:
    free = place()
    assert desk.fetch(free, RateLimited("429", retry_after=timedelta(seconds=90))) is Turn.LIMITED
    closed = desk.budgets.enter(free, "x", Lane.REALTIME, most=NOTHING)
    assert (closed.answer, closed.closure, closed.wait) == (Answer.LATER, Closure.LIMITED, timedelta(seconds=90))
    assert desk.after(seconds=89.9).ask(free) is Answer.LATER
    assert desk.after(seconds=0.2).ask(free) is Answer.GO


def test_exactly_one_probe_finds_out_whether_it_is_over(desk: Desk) -> None:
    free = place()
    desk.fetch(free, RateLimited("429"))
    desk.after(seconds=61)
    assert [desk.ask(free, ticket=name) for name in ("probe", "b", "c")] == [Answer.GO, Answer.LATER, Answer.LATER]
    assert desk.budgets.leave(free, "probe", SymbolUnknown("404")).turn is Turn.RECOVERED
    assert [desk.ask(free), desk.ask(free)] == [Answer.GO, Answer.GO]


def test_cool_downs_grow_while_probes_are_refused_and_no_more_than_an_hour(desk: Desk) -> None:
    free, lengths = place(), []
    for _ in range(9):
        desk.fetch(free, RateLimited("429"))
        closed = desk.budgets.enter(free, "x", Lane.REALTIME, most=NOTHING).wait
        lengths.append(closed.total_seconds())
        desk.after(seconds=closed.total_seconds())
    assert lengths == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


@pytest.mark.parametrize(
    ("calm", "next_one"), [(CALM - timedelta(seconds=60), 120), (CALM + timedelta(seconds=60), 60)]
)
def test_after_a_calm_time_cool_downs_begin_anew(desk: Desk, calm: timedelta, next_one: int) -> None:
    free = place()
    desk.fetch(free, RateLimited("429"))
    assert desk.after(seconds=61).fetch(free) is Turn.RECOVERED
    desk.after(seconds=calm.total_seconds()).fetch(free, RateLimited("429"))
    assert desk.wait(free) == next_one


def test_refusals_of_what_was_under_way_make_a_cool_down_no_worse(desk: Desk) -> None:
    free = place()
    for name in ("a", "b", "c"):
        desk.ask(free, ticket=name)
    turns = [desk.budgets.leave(free, name, RateLimited("429")).turn for name in ("a", "b", "c")]
    assert turns == [Turn.LIMITED, None, None]
    assert desk.wait(free) == 60


def test_a_success_that_was_under_way_opens_nothing(desk: Desk) -> None:
    free = place()
    desk.ask(free, ticket="slow")
    desk.fetch(free, RateLimited("429"))
    assert desk.budgets.leave(free, "slow", None).turn is None
    assert desk.ask(free) is Answer.LATER


def test_a_probe_that_died_is_followed_by_another(desk: Desk) -> None:
    free = place()
    desk.fetch(free, RateLimited("429"))
    assert desk.after(seconds=61).ask(free, ticket="dies") is Answer.GO
    assert desk.after(seconds=19).ask(free) is Answer.LATER
    assert desk.after(seconds=2).ask(free, ticket="second") is Answer.GO
    assert desk.budgets.leave(free, "second", None).turn is Turn.RECOVERED


def test_a_probe_that_was_broken_off_is_followed_at_once(desk: Desk) -> None:
    free = place()
    desk.fetch(free, RateLimited("429"))
    desk.after(seconds=61).ask(free, ticket="cancelled")
    desk.budgets.leave(free, "cancelled", Interrupted("cancelled"))
    assert desk.ask(free) is Answer.GO


def test_failures_in_a_row_break_the_connection_and_probes_find_the_end_of_it(desk: Desk) -> None:
    free = place()
    turns = [desk.fetch(free, DOWN) for _ in range(BREAK_AFTER)]
    assert turns == [None] * (BREAK_AFTER - 1) + [Turn.DOWN]
    closed = desk.budgets.enter(free, "x", Lane.REALTIME, most=NOTHING)
    assert (closed.answer, closed.closure, closed.wait) == (Answer.LATER, Closure.DOWN, BREAK_FOR)
    desk.now += 15_000
    assert desk.fetch(free, DOWN) is Turn.DOWN
    assert desk.wait(free) == 30
    assert desk.after(seconds=30).fetch(free) is Turn.RECOVERED
    assert desk.fetch(free, DOWN) is None


def test_a_symbol_that_alone_fails_breaks_nothing(desk: Desk) -> None:
    free = place()
    turns = [desk.fetch(free, DOWN if number % BREAK_AFTER else None) for number in range(4 * BREAK_AFTER)]
    assert turns == [None] * 4 * BREAK_AFTER


def test_somebody_can_open_it(desk: Desk) -> None:
    free = place()
    desk.fetch(free, RateLimited("429"))
    assert desk.budgets.open("yahoo", "default")
    assert desk.ask(free) is Answer.GO
    assert not desk.budgets.open("yahoo", "default")


def test_usage_shows_what_was_used_what_waits_and_when_there_is_room(desk: Desk) -> None:
    here = place(2, 60, 0, kept=0.5)
    desk.fetch(here)
    desk.ask(here, Lane.HISTORICAL)
    desk.wait(here, Lane.HISTORICAL)
    [usage] = desk.budgets.usages()
    assert (usage.provider, usage.egress, usage.budget, usage.kept) == (
        "yahoo",
        "default",
        Budget(2, 60),
        Budget(1, 30),
    )
    assert (list(usage.used[:2]), list(usage.historical[:2]), usage.waiting) == ([2, 2], [1, 1], 1)
    assert usage.closure is None
    assert 0 < usage.opens_in[Lane.REALTIME].total_seconds() <= 1.1 < usage.opens_in[Lane.HISTORICAL].total_seconds()


def test_a_clock_of_the_server_that_is_put_back_keeps_nobody_out_for_ever(desk: Desk) -> None:
    one = place(1, 0, 0)
    desk.fetch(one, RateLimited("429"))
    desk.now -= 5 * 3_600_000
    assert desk.ask(one, ticket="probe") is Answer.GO
    assert desk.budgets.leave(one, "probe", None).turn is Turn.RECOVERED


def test_the_server_tells_the_time_so_that_clocks_of_nodes_do_not_matter(redis_url: str) -> None:
    budgets, here = Budgets(redis_url), place(2, 0, 0)
    answers = [budgets.enter(here, name, Lane.REALTIME, most=NOTHING).answer for name in ("a", "b", "c")]
    budgets.close()
    assert answers == [Answer.GO, Answer.GO, Answer.LATER]


def test_without_redis_nobody_is_let_through(redis_url: str) -> None:
    budgets = Budgets("redis://127.0.0.1:1/0", timeout=0.2)
    with pytest.raises(BrokerAway):
        budgets.enter(place(2, 0, 0), "a", Lane.REALTIME, most=NOTHING)


def test_after_a_flush_it_counts_and_is_listed_again(desk: Desk, redis_db: redis.Redis) -> None:
    one = place(1, 0, 0)
    desk.fetch(one)
    redis_db.flushall()
    assert desk.budgets.usages() == []
    assert [desk.ask(one), desk.ask(one)] == [Answer.GO, Answer.LATER]
    assert [usage.provider for usage in desk.budgets.usages()] == ["yahoo"]


def test_no_budget_counts_nothing(desk: Desk, redis_db: redis.Redis) -> None:
    for _ in range(50):
        desk.fetch(Place("yahoo", "default", NO_BUDGET, 0.3, timedelta(seconds=20)))
    assert not redis_db.exists("stockjobs:budget:yahoo:default:all")


def test_being_held_back_is_a_kind_of_limit_that_no_provider_spoke() -> None:
    error = HeldBack("later", retry_after=timedelta(seconds=3))
    assert (isinstance(error, RateLimited), error.status, error.kind) == (True, None, "held-back")


def test_what_ended_well_is_told_with_the_next_request_and_counts_from_its_end(desk: Desk) -> None:
    two = place(2, 0, 0)
    assert [desk.ask(two, ticket=name) for name in ("a", "b")] == [Answer.GO] * 2
    ended = [Ended(name, time.monotonic() - 0.5) for name in ("a", "b")]
    wait = desk.after(seconds=3).budgets.enter(two, "c", Lane.REALTIME, most=LONG, left=ended).wait
    assert wait.total_seconds() == pytest.approx(0.5, abs=0.1)


def test_what_ended_well_can_be_told_without_another_request(desk: Desk) -> None:
    one = place(1, 0, 0)
    assert desk.ask(one, ticket="a") is Answer.GO
    desk.after(seconds=3).budgets.have_left(one, [Ended("a", time.monotonic())])
    assert desk.wait(one, ticket="b") == pytest.approx(1.0, abs=0.1)


def test_a_success_that_is_told_along_ends_a_row_of_failures(desk: Desk) -> None:
    free = place(0, 0, 0)
    assert desk.fetch(free, DOWN) is None
    troubled = desk.budgets.enter(free, "a", Lane.REALTIME, most=NOTHING).is_troubled
    calm = desk.budgets.enter(free, "b", Lane.REALTIME, most=NOTHING, left=[Ended("a", time.monotonic())])
    assert (troubled, calm.is_troubled) == (True, False)


def test_requests_that_follow_at_once_get_their_places_along_where_there_is_plenty(desk: Desk) -> None:
    many = place(20, 0, 0, kept=0.4)
    asked = desk.budgets.enter(many, "a", Lane.REALTIME, most=NOTHING, more=("b", "c", "d"))
    [usage] = desk.budgets.usages()
    assert (asked.has_more, usage.used[0]) == (True, 4)
    # Four times as many would not have room: 12 places are historical work's.
    asked = desk.budgets.enter(many, "e", Lane.HISTORICAL, most=NOTHING, more=("f", "g", "h"))
    [usage] = desk.budgets.usages()
    assert (asked.answer, asked.has_more, usage.used[0]) == (Answer.GO, False, 5)


def test_places_that_were_not_used_come_free(desk: Desk) -> None:
    many = place(20, 0, 0)
    desk.budgets.enter(many, "a", Lane.HISTORICAL, most=NOTHING, more=("b", "c"))
    desk.budgets.have_left(many, [Ended("b", None)])
    [usage] = desk.budgets.usages()
    assert (usage.used[0], usage.historical[0]) == (2, 2)


def test_no_places_are_given_in_advance_while_a_provider_fails_or_somebody_waits(desk: Desk) -> None:
    many, full = place(100, 0, 0), place(100, 1, 0)
    desk.fetch(many, DOWN)
    troubled = desk.budgets.enter(many, "a", Lane.REALTIME, most=NOTHING, more=("b",))
    assert (troubled.answer, troubled.has_more) == (Answer.GO, False)
    desk.budgets.have_left(many, [Ended("a", time.monotonic())])
    desk.wait(full, ticket="waits")
    behind = desk.budgets.enter(many, "c", Lane.REALTIME, most=NOTHING, more=("d",))
    assert (behind.answer, behind.has_more) == (Answer.GO, False)
