"""Fetching a batch: in turn or for several symbols at once, what comes back is the same."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.market.bars import Bars, BarsReply, BarsRequest, CorporateAction, FactsReply, Identity
from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import (
    HeldBack,
    IdentityMismatch,
    Interrupted,
    MalformedReply,
    OurFault,
    ProviderDown,
    ProviderError,
    RateLimited,
    SymbolUnknown,
)
from stockjobs.providers.base import Patience
from stockjobs.services.collecting.asking import Asks
from stockjobs.services.collecting.fetching import DOWN_IN_A_ROW, fetch

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
SYMBOLS = tuple(f"S{number:02d}" for number in range(20))
SEVERAL = 8


@dataclass
class Answering:
    """Answers every request with nothing, after a deed of the test's; counts how many are under way at once."""

    deed: Callable[[str, Patience], object] = lambda symbol, patience: None
    name: str = "answering"
    asked: list[str] = field(default_factory=list)
    most: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        self._serve(request.symbol, patience)
        return BarsReply(None, Bars.empty())

    def facts(self, symbol: str, *, now: datetime, patience: Patience) -> FactsReply:
        self._serve(symbol, patience)
        return FactsReply(symbol, ())

    def limits(self, interval: Interval) -> Limits:
        return Limits(None, None)

    def close(self) -> None:
        """Nothing is open."""

    def _serve(self, symbol: str, patience: Patience) -> None:
        with self._lock:
            self.asked.append(symbol)
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            self.deed(symbol, patience)
        finally:
            with self._lock:
                self._now -= 1


def asks(symbols: tuple[str, ...] = SYMBOLS, *, windows: int = 1) -> Asks:
    """So many windows of a day for each symbol."""
    starts = [NOW - timedelta(days=windows - number) for number in range(windows)]
    return Asks(
        NOW,
        {
            symbol: tuple(BarsRequest(symbol, Interval.M1, start, start + timedelta(days=1)) for start in starts)
            for symbol in symbols
        },
    )


def patient(stopped: Callable[[], bool] = lambda: False, *, seconds: float = 30) -> Patience:
    return Patience(time.monotonic() + seconds, stopped)


def failing(errors: dict[str, Exception]) -> Callable[[str, Patience], None]:
    """Raises what the test put in a symbol's way."""

    def deed(symbol: str, _: Patience) -> None:
        if symbol in errors:
            raise errors[symbol]

    return deed


def test_so_many_are_asked_for_at_once_and_no_more() -> None:
    together = threading.Barrier(SEVERAL)
    provider = Answering(lambda symbol, patience: together.wait(60))
    fetched = fetch(asks(SYMBOLS[: 2 * SEVERAL]), provider, patient(), SEVERAL)
    assert provider.most == SEVERAL
    assert (len(fetched.bars), fetched.errors) == (2 * SEVERAL, {})


def test_answers_are_in_the_order_of_the_symbols_whichever_came_first() -> None:
    last_has_come = threading.Event()

    def deed(symbol: str, _: Patience) -> None:
        if symbol == SYMBOLS[0]:
            assert last_has_come.wait(60)
        elif symbol == SYMBOLS[-1]:
            last_has_come.set()

    fetched = fetch(asks(), Answering(deed), patient(), SEVERAL)
    assert list(fetched.bars) == list(SYMBOLS)


def test_windows_of_a_symbol_stay_in_their_order() -> None:
    wanted = asks(windows=4)
    fetched = fetch(wanted, Answering(), patient(), SEVERAL)
    assert {symbol: tuple(one.request for one in answers) for symbol, answers in fetched.bars.items()} == wanted.bars
    assert fetched.requests == 4 * len(SYMBOLS)


def test_facts_are_fetched_for_several_companies_at_once() -> None:
    provider = Answering()
    fetched = fetch(Asks(NOW, facts={symbol: symbol for symbol in SYMBOLS}), provider, patient(), SEVERAL)
    assert list(fetched.facts) == list(SYMBOLS)
    assert (fetched.requests, sorted(provider.asked)) == (len(SYMBOLS), list(SYMBOLS))


KINDS: tuple[type[ProviderError], ...] = (SymbolUnknown, MalformedReply)


@given(
    broken=st.dictionaries(st.sampled_from(SYMBOLS), st.sampled_from(KINDS)),
    windows=st.integers(1, 3),
    parallel=st.integers(2, 25),
)
def test_several_at_once_bring_what_one_after_the_other_brings(
    broken: dict[str, type[ProviderError]], windows: int, parallel: int
) -> None:
    errors: dict[str, Exception] = {symbol: kind(symbol) for symbol, kind in broken.items()}
    one, several = Answering(failing(errors)), Answering(failing(errors))
    wanted = asks(windows=windows)
    in_turn, at_once = fetch(wanted, one, patient()), fetch(wanted, several, patient(), parallel)
    assert (list(in_turn.bars), in_turn.errors, in_turn.unasked, in_turn.requests) == (
        list(at_once.bars),
        at_once.errors,
        at_once.unasked,
        at_once.requests,
    )
    assert list(in_turn.errors) == list(at_once.errors)
    assert Counter(one.asked) == Counter(several.asked)


@pytest.mark.parametrize("parallel", [1, SEVERAL])
def test_an_error_that_nobody_foresaw_costs_its_own_symbol_alone(parallel: int) -> None:
    broken = ZeroDivisionError("of all things")
    fetched = fetch(asks(), Answering(failing({"S03": broken})), patient(), parallel)
    assert len(fetched.bars) == len(SYMBOLS) - 1
    [(symbol, error)] = fetched.errors.items()
    assert (symbol, str(error), error.__cause__) == ("S03", "ZeroDivisionError: of all things", broken)
    assert isinstance(error, OurFault)


@pytest.mark.parametrize("error", [RateLimited("slow down"), Interrupted("enough")])
def test_what_will_meet_all_alike_stops_those_that_wait_and_lands_those_under_way(error: ProviderError) -> None:
    together = threading.Barrier(SEVERAL)

    def deed(symbol: str, _: Patience) -> None:
        # Nobody comes back before all of the first are under way, and none of them before the error is known.
        together.wait(60)
        if symbol == SYMBOLS[0]:
            raise error

    provider = Answering(deed)
    fetched = fetch(asks(SYMBOLS[:SEVERAL]), provider, patient(), SEVERAL)
    assert fetched.errors == {SYMBOLS[0]: error}
    assert list(fetched.bars) == list(SYMBOLS[1:SEVERAL])


@pytest.mark.parametrize("parallel", [1, 2, SEVERAL])
def test_a_limit_leaves_the_rest_unasked_in_its_order(parallel: int) -> None:
    limited = threading.Event()

    def deed(symbol: str, _: Patience) -> None:
        if symbol == SYMBOLS[0]:
            limited.set()
            raise RateLimited("slow down")
        assert limited.wait(60)
        raise RateLimited("slow down")

    provider = Answering(deed)
    fetched = fetch(asks(), provider, patient(), parallel)
    assert len(provider.asked) <= parallel + 1
    assert fetched.unasked == SYMBOLS[len(provider.asked) :]
    assert set(fetched.errors) == set(provider.asked)
    assert fetched.requests == len(provider.asked)


def third_time(error: ProviderError) -> Callable[[str, Patience], None]:
    """Raises an error at the third request."""
    times = iter((None, None, error))

    def deed(_: str, __: Patience) -> None:
        if found := next(times):
            raise found

    return deed


HELD_BACK = HeldBack("no room", retry_after=timedelta(seconds=9))


@pytest.mark.parametrize(("error", "requests"), [(HELD_BACK, 2), (RateLimited("429"), 3), (Interrupted("time"), 3)])
def test_older_windows_of_a_symbol_are_kept_when_something_comes_in_the_way(
    error: ProviderError, requests: int
) -> None:
    wanted = asks(SYMBOLS[:2], windows=4)
    fetched = fetch(wanted, Answering(third_time(error)), patient())
    first = SYMBOLS[0]
    assert [one.request for one in fetched.bars[first]] == list(wanted.bars[first][:2])
    assert (fetched.errors, fetched.unasked, fetched.requests) == ({first: error}, SYMBOLS[1:2], requests)


def test_older_windows_of_a_symbol_that_fails_are_not_kept() -> None:
    fetched = fetch(asks(SYMBOLS[:1], windows=4), Answering(third_time(MalformedReply("<html>"))), patient())
    assert (fetched.bars, fetched.requests) == ({}, 3)


@pytest.mark.parametrize("parallel", [1, SEVERAL])
def test_a_provider_that_is_down_is_asked_a_few_times_only(parallel: int) -> None:
    provider = Answering(failing({symbol: ProviderDown("502") for symbol in SYMBOLS}))
    fetched = fetch(asks(), provider, patient(), parallel)
    assert DOWN_IN_A_ROW <= len(provider.asked) < DOWN_IN_A_ROW + parallel
    assert len(fetched.unasked) == len(SYMBOLS) - len(provider.asked)


def test_some_that_are_down_between_others_stop_nobody() -> None:
    errors: dict[str, Exception] = {symbol: ProviderDown("502") for symbol in SYMBOLS if not symbol.endswith("9")}
    errors = {symbol: error for number, (symbol, error) in enumerate(errors.items()) if number % 2}
    fetched = fetch(asks(), Answering(failing(errors)), patient())
    assert (set(fetched.errors), fetched.unasked) == (set(errors), ())


@pytest.mark.parametrize("parallel", [1, SEVERAL])
def test_a_cancelled_batch_ends_at_once_and_leaves_no_thread(parallel: int) -> None:
    begun, stop = threading.Event(), threading.Event()

    def deed(_: str, patience: Patience) -> None:
        begun.set()
        stop.wait(10)
        patience.remaining()

    before = threading.active_count()
    fetched = []
    whole = threading.Thread(
        target=lambda: fetched.append(fetch(asks(), Answering(deed), patient(stop.is_set), parallel))
    )
    whole.start()
    assert begun.wait(60)
    stop.set()
    whole.join(5)
    assert not whole.is_alive()
    assert {type(error) for error in fetched[0].errors.values()} == {Interrupted}
    assert len(fetched[0].errors) <= parallel
    assert threading.active_count() == before


def test_a_batch_that_is_broken_off_leaves_no_thread_and_asks_no_more() -> None:
    before, here, broken_off = threading.active_count(), threading.get_ident(), threading.Event()

    def deed(_: str, __: Patience) -> None:
        if threading.get_ident() == here:
            broken_off.set()
            raise KeyboardInterrupt
        assert broken_off.wait(60)

    provider = Answering(deed)
    with pytest.raises(KeyboardInterrupt):
        fetch(asks(tuple(f"S{number}" for number in range(5_000))), provider, patient(), SEVERAL)
    assert threading.active_count() == before
    assert len(provider.asked) < 5_000


def test_one_symbol_needs_no_thread() -> None:
    seen = list[int]()
    fetch(asks(SYMBOLS[:1]), Answering(lambda *_: seen.append(threading.get_ident())), patient(), SEVERAL)
    assert seen == [threading.get_ident()]


class MixedUp(Answering):
    """Answers about AAA, whoever is asked for."""

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        return BarsReply(Identity("AAA", "NMS", "America/New_York", "USD", "EQUITY"), Bars.empty())


def test_an_answer_about_another_symbol_is_nobodys() -> None:
    fetched = fetch(asks(("AAA", "BBB")), MixedUp(), patient())
    assert list(fetched.bars) == ["AAA"]
    assert isinstance(fetched.errors["BBB"], IdentityMismatch)


class Saying(Answering):
    """Answers with an identity and actions of one's choice."""

    def __init__(self, identity: Identity, *actions: CorporateAction) -> None:
        super().__init__()
        self._reply = BarsReply(identity, Bars.empty(), actions)

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        return self._reply


NASDAQ = Identity("AAA", "NMS", "America/New_York", "USD", "EQUITY")


def test_a_symbol_that_comes_in_small_letters_is_the_one_that_was_asked_for() -> None:
    fetched = fetch(asks(("AAA",)), Saying(replace(NASDAQ, symbol="aaa")), patient())
    assert fetched.bars["AAA"][0].reply.identity == NASDAQ


@pytest.mark.parametrize(
    "provider",
    [
        Saying(NASDAQ, CorporateAction("dividend", datetime(2026, 1, 5), 1.0)),
        Saying(replace(NASDAQ, first_trade_at=datetime(2020, 1, 2))),
    ],
)
def test_a_time_without_a_zone_is_no_answer(provider: Saying) -> None:
    [error] = fetch(asks(("AAA",)), provider, patient()).errors.values()
    assert isinstance(error, MalformedReply)
    assert "time without a zone" in str(error)
