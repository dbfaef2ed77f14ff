"""`stockctl` as a user runs it: a process of its own, beside beat, a worker and the local Yahoo server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from stockjobs.settings import Settings
from tests.fixtures.fleet import Fleet
from tests.fixtures.forked import STOCKCTL, Command, Forked
from tests.fixtures.redis import eventually

pytestmark = pytest.mark.integration

READY_JOBS = Path(__file__).parents[3] / "examples" / "ready-jobs.yaml"
COMMAND = (sys.executable, "-m", "stockjobs.cli")


class Stockctl:
    """Runs commands against one system."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        urls = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
        self._environment, self._folder = {**os.environ, **urls}, folder
        self.started: list[Forked] = []

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """What a command writes to stdout; its exit code has to be `code`."""
        command = self._command(arguments)
        ended = self._start(command).wait(90)
        told = command.log.read_text()
        assert ended == code, f"{ended}: {told}{command.errors.read_text() if command.errors else ''}"
        return told

    def start(self, *arguments: str) -> tuple[Forked, Callable[[], str]]:
        """A command that goes on, and what it wrote so far."""
        command = replace(self._command(arguments), errors=None)
        return self._start(command), command.log.read_text

    def stop(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()

    def _command(self, arguments: Sequence[str]) -> Command:
        output, errors = (self._folder / f"stockctl-{len(self.started)}.{kind}" for kind in ("out", "err"))
        return Command(STOCKCTL, arguments, self._environment, self._folder, output, errors)

    def _start(self, command: Command) -> Forked:
        self.started.append(Forked(command))
        return self.started[-1]


@pytest.fixture
def stockctl(fleet_settings: Settings, tmp_path: Path) -> Iterator[Stockctl]:
    found = Stockctl(fleet_settings, tmp_path)
    found("db", "upgrade")
    yield found
    found.stop()


def test_a_ready_job_is_applied_run_waited_for_and_read_back(stockctl: Stockctl, fleet: Fleet) -> None:
    fleet.beat()
    fleet.worker()
    assert stockctl("apply", "-f", str(READY_JOBS)).count(" created") == 4
    assert " completed (4 tasks, " in stockctl("trigger", "MARKETDATA_BACKFILL", "--timeout", "60s")
    held = [line.split()[:2] for line in stockctl("data").splitlines()[1:]]
    assert len(held) == 20
    assert ["BRK-B", "1d"] in held
    assert len(stockctl("data", "AAPL", "-o", "csv").splitlines()) > 2_000
    assert [lane["depth"] for lane in json.loads(stockctl("get", "lanes", "-o", "json"))] == [0, 0]
    (worker,) = json.loads(stockctl("get", "workers", "-o", "json"))
    assert worker["concurrency"] == 2


def test_what_happens_is_followed_until_it_is_interrupted(stockctl: Stockctl, fleet: Fleet) -> None:
    fleet.define("DAILY")
    events, told = stockctl.start("events", "-w", "-o", "json", "--limit", "1")
    jobs, listed = stockctl.start("get", "occurrences", "-w")
    eventually(lambda: "job.created" in told() and "Nothing found." in listed())
    fleet.trigger("DAILY")
    eventually(lambda: "job.queued" in told() and "DAILY" in listed())
    assert listed().splitlines()[1].startswith("ID ")
    for process in (events, jobs):
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert "Traceback" not in told() + listed()


def test_a_reader_that_stops_reading_ends_it_quietly(stockctl: Stockctl, fleet: Fleet) -> None:
    fleet.define("DAILY")
    pipe = f"set -o pipefail; {' '.join(COMMAND)} events -w --limit 1 | head -n 1"
    environment = {**os.environ, "DATABASE_URL": fleet.settings.database_url}
    with subprocess.Popen(
        ["bash", "-c", pipe], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "job.created" in process.stdout.readline()
        # What happens now is told to nobody.
        eventually(lambda: not _still_follows(process, fleet))
        assert (process.returncode, process.stderr.read()) == (141, "")


def _still_follows(process: subprocess.Popen[str], fleet: Fleet) -> bool:
    """Let something happen, which the command wants to tell; True while it goes on."""
    for enabled in (False, True):
        fleet.container.administration.set_enabled("DAILY", enabled=enabled, by="test")
    return process.poll() is None


def test_the_simulator_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    command = [*COMMAND, "simulator", "--ready-file", str(ready), "--now", "2026-03-04T12:00:00Z", "--quiet"]
    process = subprocess.Popen(command)
    try:
        eventually(ready.exists)
        url = f"{json.loads(ready.read_text())['url']}/v8/finance/chart/AAPL?range=5d&interval=1d"
        with urllib.request.urlopen(url) as reply:
            assert json.load(reply)["chart"]["result"][0]["meta"]["symbol"] == "AAPL"
    finally:
        process.terminate()
        assert process.wait(60) == 0
