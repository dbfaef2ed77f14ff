"""What beat does beside its ticks: one duty that fails keeps no other from being done."""

from __future__ import annotations

import threading
from datetime import timedelta

from beat.duties import Duties, Duty
from stockjobs.errors import Unreachable

DEADLINE_S = 20.0


def raising(error: Exception) -> Duty:
    def do() -> None:
        raise error

    return Duty("broken", do)


def test_duties_are_done_again_and_again_whatever_becomes_of_the_others() -> None:
    rounds, done = iter(range(1_000)), threading.Event()

    def count() -> None:
        if next(rounds) == 2:
            done.set()

    duties = Duties(
        (raising(Unreachable("away")), raising(ValueError("odd")), Duty("counting", count)), timedelta(milliseconds=1)
    )
    duties.start()
    assert done.wait(DEADLINE_S)
    duties.stop(timedelta(seconds=DEADLINE_S))


def test_stopping_waits_for_the_duty_under_way_and_begins_no_other() -> None:
    began, may_end, done = threading.Event(), threading.Event(), []

    def slow() -> None:
        began.set()
        may_end.wait(DEADLINE_S)
        done.append("slow")

    duties = Duties((Duty("slow", slow), Duty("next", lambda: done.append("next"))))
    duties.start()
    assert began.wait(DEADLINE_S)
    threading.Timer(0.05, may_end.set).start()
    duties.stop(timedelta(seconds=DEADLINE_S))
    assert done == ["slow"]


def test_starting_twice_is_starting_once_and_stopping_without_it_is_nothing() -> None:
    duties = Duties(())
    duties.stop()
    other = Duties(())
    other.start()
    other.start()
    other.stop(timedelta(seconds=DEADLINE_S))
    assert not [thread for thread in threading.enumerate() if thread.name == "duties"]
