"""Attempts at the gate on both databases: waiting uses nothing up, and what concerns everybody is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread
from uuid import uuid4

import pytest

from stockjobs.domain.asking.budgets import NO_BUDGET, Budget
from stockjobs.domain.events import EventName
from stockjobs.domain.market.bars import BarsReply, BarsRequest
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State
from stockjobs.errors import HeldBack, Interrupted, ProviderDown, ProviderError, RateLimited
from stockjobs.providers.base import Gate, Patience
from stockjobs.services.collecting.collect import Collect, CollectConfig
from stockjobs.services.collecting.conclusion import Outcome, Verdict
from stockjobs.services.collecting.gates import Gates, Notice, Tell
from stockjobs.store.ledger.claims import Claim
from stockjobs.transport.budget import Budgets, Place, ServersClock
from tests.fixtures.house import House, ScriptedProvider
from tests.fixtures.redis import eventually

pytestmark = pytest.mark.integration
AWAY = "redis://127.0.0.1:1/0"


class GatedProvider(ScriptedProvider):
    """Makes each request as a provider with a budget does."""

    def bars(self, request: BarsRequest, *, now: object, patience: Patience) -> BarsReply:
        with patience.request():
            return super().bars(request, now=now, patience=patience)  # type: ignore[arg-type]


@dataclass
class Yard:
    """A house whose attempts pass a gate."""

    house: House
    opened: list[Budgets] = field(default_factory=list)

    def gates(self, budget: Budget, *, url: str = "", longest: float = 1.0, clock: ServersClock = lambda: "") -> Gates:
        self.opened.append(Budgets(url or self.house.redis_url, timeout=0.2, clock=clock))
        return Gates(self.opened[-1], Place("yahoo", "default", budget, 0.3, timedelta(seconds=longest)))

    def put_up(self, gates: Gates) -> None:
        """Let attempts pass these gates, one request after the other."""

        def gate_of(claim: Claim, tell: Tell) -> Gate:
            return gates.gate(claim.attempt_id, claim.lane, tell)

        house = self.house
        house.provider = GatedProvider()
        config = CollectConfig(heartbeat=timedelta(milliseconds=50))
        house.collect = Collect(house.database, lambda _: house.provider, config, gate_of=gate_of)

    def run(self) -> Outcome:
        self.house.dispatch.tick()
        [outcome] = self.house.work(Lane.REALTIME)
        return outcome


@pytest.fixture
def yard(house: House) -> Iterator[Yard]:
    found = Yard(house)
    yield found
    for budgets in found.opened:
        budgets.close()


def test_what_had_room_lands_and_the_rest_waits_without_using_an_attempt_up(yard: Yard) -> None:
    yard.put_up(yard.gates(Budget(per_minute=2)))
    yard.house.define(symbols=["AAPL", "MSFT", "NVDA"], retry={"maxRetries": 0}, timeout="PT20S")
    yard.house.trigger()
    outcome = yard.run()
    assert (outcome.verdict, len(yard.house.reports.holdings())) == (Verdict.DEFERRED, 2)
    assert "budget of yahoo" in (outcome.error or "")
    assert timedelta(seconds=50) < (outcome.wait or timedelta()) < timedelta(seconds=80)
    [task] = yard.house.tasks()
    assert (task.state, task.failures, task.deferrals) == (State.SCHEDULED, 0, 1)


def test_a_short_wait_is_waited_for(yard: Yard) -> None:
    yard.put_up(yard.gates(Budget(per_second=2)))
    yard.house.define(symbols=["AAPL", "MSFT", "NVDA"])
    yard.house.trigger()
    began = time.monotonic()
    assert yard.run().verdict is Verdict.COMPLETED
    assert time.monotonic() - began >= 1.0


def test_the_places_of_an_attempt_come_free_once_it_has_ended(yard: Yard) -> None:
    now = 1_800_000_000_000
    gates = yard.gates(Budget(per_second=100), longest=60.0, clock=lambda: str(now))
    yard.put_up(gates)
    yard.house.define(symbols=["AAPL", "MSFT"], timeout="PT5M")
    yard.house.trigger()
    assert yard.run().verdict is Verdict.COMPLETED
    [at_once] = gates.budgets.usages()
    now += 1_500
    [later] = gates.budgets.usages()
    assert (at_once.used[0], later.used[0]) == (2, 0)


def test_where_there_is_plenty_the_next_requests_of_an_attempt_get_their_places_along(yard: Yard) -> None:
    now = 1_800_000_000_000
    gates = yard.gates(Budget(per_second=1_000), clock=lambda: str(now))
    patience = patient(gates)
    taken = []
    for _ in range(7):
        with patience.request():
            taken.append(gates.budgets.usages()[0].used[0])
    # The second takes three more along, the sixth fifteen.
    assert taken == [1, 5, 5, 5, 5, 21, 21]
    patience.gate.close()
    assert gates.budgets.usages()[0].used[0] == 7


def test_after_a_failure_places_that_were_got_in_advance_are_not_used(yard: Yard) -> None:
    gates = yard.gates(Budget(per_second=1_000))
    patience, other = patient(gates), patient(gates)
    for _ in range(2):
        with patience.request():
            pass
    fail(other, RateLimited("slow down"))
    with pytest.raises(HeldBack, match="slow down"), patience.request():
        pytest.fail("it was let through")


def test_a_limit_is_told_and_so_is_its_end(yard: Yard) -> None:
    gates = yard.gates(NO_BUDGET)
    yard.put_up(gates)
    yard.house.define(symbols=["AAPL"], retry={"maxRetries": 0})
    yard.house.provider.errors["AAPL"] = [RateLimited("429", retry_after=timedelta(seconds=1))]
    yard.house.trigger()
    limited = yard.run()
    assert (limited.verdict, len(yard.house.provider.asked)) == (Verdict.DEFERRED, 1)
    yard.house.clock.advance(limited.wait or timedelta())
    assert yard.run().verdict is Verdict.COMPLETED
    told = [event for event in yard.house.feed.last(100) if event.name.startswith("provider.")]
    assert [event.name for event in told] == [EventName.PROVIDER_LIMITED, EventName.PROVIDER_RECOVERED]
    assert (told[0].data["provider"], told[0].data["egress"], "until" in told[0].data) == ("yahoo", "default", True)


def test_while_a_provider_is_closed_nobody_asks_it(yard: Yard) -> None:
    gates = yard.gates(NO_BUDGET)
    yard.put_up(gates)
    yard.house.define(symbols=["AAPL"], retry={"maxRetries": 0})
    yard.house.provider.errors["AAPL"] = [RateLimited("429", retry_after=timedelta(seconds=600))]
    yard.house.trigger()
    assert yard.run().wait > timedelta(seconds=590)  # type: ignore[operator]
    yard.house.provider.asked.clear()
    yard.house.define("OTHER", symbols=["MSFT"], retry={"maxRetries": 0})
    yard.house.trigger("OTHER")
    outcome = yard.run()
    assert (outcome.verdict, yard.house.provider.asked) == (Verdict.DEFERRED, [])
    assert "slow down" in (outcome.error or "")


def test_a_long_outage_fails_nobody_whose_request_was_a_probe(yard: Yard) -> None:
    clock = yard.house.clock
    gates = yard.gates(NO_BUDGET, clock=lambda: str(int(clock.now.timestamp() * 1_000)))
    for _ in range(9):
        fail(patient(gates), ProviderDown("502"))
    yard.put_up(gates)
    yard.house.define(symbols=["AAPL", "MSFT"], retry={"maxRetries": 0})
    yard.house.provider.errors = {symbol: [ProviderDown("502"), ProviderDown("502")] for symbol in ("AAPL", "MSFT")}
    yard.house.trigger()
    waits = []
    for _ in range(4):
        outcome = yard.run()
        assert outcome.verdict is Verdict.DEFERRED
        waits.append(outcome.wait or timedelta())
        clock.advance(waits[-1])
    # The first closes the provider, the others are probes: each waits for as long as nobody asks, and a little longer.
    for wait, closed in zip(waits, (15, 30, 60, 120), strict=True):
        assert timedelta(seconds=closed) <= wait <= timedelta(seconds=closed * 1.25)
    assert yard.run().verdict is Verdict.COMPLETED
    [task] = yard.house.tasks()
    assert (task.failures, task.deferrals) == (0, 4)


def test_a_symbol_that_always_fails_is_not_each_probe(yard: Yard) -> None:
    clock = yard.house.clock
    gates = yard.gates(NO_BUDGET, clock=lambda: str(int(clock.now.timestamp() * 1_000)))
    for _ in range(9):
        fail(patient(gates), ProviderDown("502"))
    yard.put_up(gates)
    yard.house.define(symbols=["AAPL", "MSFT", "NVDA"], retry={"maxRetries": 0})
    yard.house.provider.errors["AAPL"] = [ProviderDown("500") for _ in range(20)]
    yard.house.trigger()
    closed = yard.run()
    clock.advance(closed.wait or timedelta())
    # Others go first: they find the provider well, and AAPL pays for itself.
    outcome = yard.run()
    assert (closed.verdict, outcome.verdict) == (Verdict.DEFERRED, Verdict.FAILED)
    assert sorted(held.symbol for held in yard.house.reports.holdings()) == ["MSFT", "NVDA"]
    assert gates.budgets.usages()[0].closure is None


def test_who_is_held_back_in_the_middle_of_a_symbol_goes_on_after_what_has_landed(yard: Yard) -> None:
    clock = yard.house.clock
    yard.put_up(yard.gates(Budget(per_minute=2), clock=lambda: str(int(clock.now.timestamp() * 1_000))))
    yard.house.define(symbols=["AAPL"], intervals=["1m"], window={"period": "P20D"}, timeout="PT20S")
    yard.house.trigger()
    outcome = yard.run()
    assert (outcome.verdict, len(yard.house.provider.asked)) == (Verdict.DEFERRED, 2)
    landed = yard.house.provider.asked[-1].end
    [held] = yard.house.reports.holdings()
    assert held.last == landed - timedelta(minutes=1)
    clock.advance(timedelta(minutes=2))
    assert yard.run().verdict is Verdict.COMPLETED
    again = yard.house.provider.asked[2]
    assert landed - timedelta(minutes=10) < again.start < landed
    assert len(yard.house.provider.asked) == 3


def test_without_redis_nothing_is_asked_and_nothing_used_up(yard: Yard) -> None:
    gates = yard.gates(Budget(per_second=5), url=AWAY)
    with pytest.raises(HeldBack, match="cannot be reached"), patient(gates, 1.0).request():
        pytest.fail("it was let through")


def test_without_redis_and_without_a_budget_all_goes_on(yard: Yard) -> None:
    gates = yard.gates(NO_BUDGET, url=AWAY)
    with patient(gates).request():
        assert gates.place.budget is NO_BUDGET


def test_cancelling_ends_the_wait(yard: Yard) -> None:
    gates = yard.gates(Budget(per_second=1), longest=20.0)
    patient(gates).gate.enter(patient(gates))
    began = time.monotonic()
    cancelled = patient(gates, stopped=lambda: time.monotonic() - began > 0.2)
    with pytest.raises(Interrupted), cancelled.request():
        pytest.fail("it was let through")
    assert time.monotonic() - began < 2


def test_only_who_is_under_way_waits_for_longer(yard: Yard) -> None:
    """A symbol may take several requests: what has come of it would be lost."""
    gates = yard.gates(Budget(per_second=1), longest=6.0)
    under_way = patient(gates, 60.0)
    with under_way.request():
        pass
    holds_the_place = patient(gates)
    holds_the_place.gate.enter(holds_the_place)
    began = time.monotonic()
    with pytest.raises(HeldBack, match="budget of yahoo"), patient(gates, 60.0).request():
        pytest.fail("it was let through")
    with under_way.request():
        assert time.monotonic() - began > 5.5


def test_time_that_went_by_waiting_is_no_time_out(yard: Yard) -> None:
    gates = yard.gates(Budget(per_second=1), longest=20.0)
    patience = patient(gates, 6.0)
    for _ in range(2):
        with patience.request():
            pass
    with pytest.raises(HeldBack, match="gone by waiting"), patience.request():
        pytest.fail("it was let through")


def test_an_answer_is_told_while_another_thread_of_the_attempt_waits_for_its_turn(yard: Yard) -> None:
    """Or the place would stay taken for as long as that thread sleeps, and the whole fleet be slower than its budget."""
    gates, is_over = yard.gates(Budget(per_second=1), longest=20.0), Event()
    patience = patient(gates, 60.0, stopped=is_over.is_set)

    def wait() -> None:
        with suppress(Interrupted), patience.request():
            pass

    patience.gate.enter(patience)
    for number in range(3):
        gates.budgets.enter(gates.place, f"ahead {number}", Lane.REALTIME, most=timedelta(minutes=1))
    waiting = Thread(target=wait)
    waiting.start()
    try:
        eventually(lambda: gates.budgets.usages()[0].waiting == 4)
        patience.gate.leave(None)
        # It sleeps for four seconds; the second that the answer counts is over before.
        eventually(lambda: gates.budgets.usages()[0].used[0] == 0, within=3.0)
    finally:
        is_over.set()
        waiting.join()


def test_nobody_waits_so_long_that_no_time_is_left_for_the_request(yard: Yard) -> None:
    gates = yard.gates(Budget(per_second=1), longest=2.0)
    holds_the_place = patient(gates)
    holds_the_place.gate.enter(holds_the_place)
    patience = patient(gates, 4.0)
    # There will be room after three of the four seconds.
    with pytest.raises(HeldBack), patience.request():
        pytest.fail("it was let through")
    assert patience.remaining() > 1.1


def test_failures_that_nobody_else_had_are_told_when_they_break_the_connection(yard: Yard) -> None:
    notices: list[Notice] = []
    gates = yard.gates(NO_BUDGET)
    for _ in range(10):
        fail(patient(gates, tell=notices.append), ProviderDown("502"))
    assert [(notice.turn, notice.reason) for notice in notices] == [("down", "502")]
    with pytest.raises(HeldBack, match="is down"):
        fail(patient(gates, tell=notices.append), ProviderDown("502"))


def patient(
    gates: Gates, seconds: float = 9.0, *, stopped: Callable[[], bool] = lambda: False, tell: Tell = lambda _: None
) -> Patience:
    """The patience of an attempt that has so much time."""
    return Patience(time.monotonic() + seconds, stopped, gates.gate(uuid4(), Lane.REALTIME, tell))


def fail(patience: Patience, error: ProviderError) -> None:
    """Make a request that ends so."""
    with suppress(type(error)), patience.request():
        raise error
