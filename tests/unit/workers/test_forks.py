"""A fork waits for the other threads, and its child finds the gate open."""

from __future__ import annotations

import os
import threading

import pytest

from workers.forks import between_forks

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


def forked() -> int:
    """Fork a child that enters the gate; its exit code."""
    child = os.fork()
    if child == 0:
        with between_forks():
            os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_fork_waits_for_a_thread_that_is_in_the_middle_of_something() -> None:
    entered, may_leave, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        with between_forks():
            entered.set()
            may_leave.wait(60)
            done.set()

    thread = threading.Thread(target=work)
    thread.start()
    entered.wait(60)
    threading.Timer(0.2, may_leave.set).start()
    assert forked() == 7
    assert done.is_set()
    thread.join()


def test_a_fork_inside_leaves_the_gate_as_it_was() -> None:
    with between_forks():
        assert forked() == 7
    assert forked() == 7
