from __future__ import annotations

import threading

import pytest

from stockjobs.errors import Interrupted
from stockjobs.services.collecting.line import Line


def test_the_thread_that_came_first_has_the_first_turn_each_time() -> None:
    line, served, is_first_there = Line(), [], threading.Event()

    def go(name: str, ready: threading.Event) -> None:
        for _ in range(3):
            with line.turn(ready.set):
                served.append(name)

    later = threading.Event()
    first = threading.Thread(target=go, args=("first", is_first_there))
    second = threading.Thread(target=go, args=("second", later))
    with line.turn(lambda: None):
        first.start()
        assert is_first_there.wait(60)
        second.start()
        assert later.wait(60)
    first.join(60)
    second.join(60)
    assert served[0] == "first"
    assert sorted(served) == ["first"] * 3 + ["second"] * 3


def test_whoever_may_wait_no_longer_leaves_the_line_to_the_others() -> None:
    line = Line()

    def check() -> None:
        raise Interrupted("cancelled")

    with pytest.raises(Interrupted), line.turn(check):
        pytest.fail("it had its turn")
    checks = []
    with line.turn(lambda: checks.append("asked once, and not kept waiting")):
        assert len(checks) == 1
