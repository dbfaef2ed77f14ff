"""What processes use of their machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.fixtures.redis import eventually
from workers.usage import Meter

_BUSY = "print('busy', flush=True)\nwhile True: pass"


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    """A process that uses a processor, and nothing else."""
    with subprocess.Popen([sys.executable, "-c", _BUSY], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def spent(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def test_what_was_spent_between_two_looks_is_divided_by_the_time_between_them(child: subprocess.Popen[str]) -> None:
    meter = Meter(iter([0.0, 10.0]).__next__)
    eventually(lambda: spent(child.pid) >= 0.05)
    first = meter.look([child.pid])
    before = spent(child.pid)
    eventually(lambda: spent(child.pid) >= before + 0.2)
    second = meter.look([child.pid])
    assert first.cpu is None
    assert second.cpu is not None
    assert 0.02 <= second.cpu < spent(child.pid) / 10


def test_a_process_that_began_meanwhile_counts_whole_and_one_that_ended_not_at_all(
    child: subprocess.Popen[str],
) -> None:
    meter = Meter(iter([0.0, 1.0, 2.0, 3.0]).__next__)
    meter.look([os.getpid()])
    began = spent(child.pid)
    assert (meter.look([child.pid]).cpu or 0) >= began
    child.kill()
    child.wait()
    assert meter.look([child.pid]) == meter.look([])


def test_the_resident_memory_of_all_processes_is_added(child: subprocess.Popen[str]) -> None:
    both, alone = Meter().look([os.getpid(), child.pid]).memory, Meter().look([child.pid]).memory
    assert both is not None
    assert alone is not None
    assert both > alone > 2**20


def test_where_nobody_tells_it_is_not_known() -> None:
    usage = Meter().look([])
    assert (usage.memory, usage.cpu) == (None, None)
