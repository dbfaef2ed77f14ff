"""`stockd` as users start it: the demonstration, and the system that keeps running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.fixtures.redis import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

_BIN = Path(sys.executable).parent


class Stockd:
    """A running `stockd up` in a folder of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        # Of each its own, or the second would seem ready by the words of the first.
        self._log = folder / f"console-{len(list(folder.glob('console-*')))}.log"
        with self._log.open("ab") as log:
            command = [_BIN / "stockd", "up", "--simulator", "--concurrency", "1", *options]
            self.process = subprocess.Popen(
                command, cwd=folder, env=_environment(), stdout=log, stderr=subprocess.STDOUT
            )

    def wait_until_ready(self) -> None:
        eventually(lambda: "Ctrl-C stops everything" in self.output(), within=120, tell=self.output)

    def output(self) -> str:
        return self._log.read_text()

    def children(self) -> set[int]:
        """The pids of everything that it started."""
        return {child.pid for child in psutil.Process(self.process.pid).children()}

    def stockctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [_BIN / "stockctl", *arguments],
            cwd=self.folder,
            env={**_environment(), "STOCKJOBS_STATE_DIR": ".stockjobs/simulator"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(90)


def _environment() -> dict[str, str]:
    ours = ("STOCKJOBS_", "DATABASE_URL", "REDIS_URL", "PROVIDER_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


class Folder:
    """A folder for a system, which the tests share until one of them has ended it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.started: list[Stockd] = []

    def running(self) -> Stockd:
        """The system, started if it does not run."""
        if not self.started or self.started[-1].process.poll() is not None:
            self.started.append(Stockd(self.path))
            self.started[-1].wait_until_ready()
        return self.started[-1]

    def close(self) -> None:
        for system in self.started:
            if system.process.poll() is None:
                system.process.kill()
                system.process.wait()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    found = Folder(tmp_path_factory.mktemp("stockd"))
    yield found
    found.close()


@pytest.fixture
def stockd(folder: Folder) -> Stockd:
    return folder.running()


def test_a_second_system_on_the_same_folder_is_refused(stockd: Stockd) -> None:
    second = subprocess.run(
        [_BIN / "stockd", "up", "--simulator"],
        cwd=stockd.folder,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert second.returncode != 0
    assert f"in use by process {stockd.process.pid}" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_program_that_ends_is_started_again(stockd: Stockd) -> None:
    before = stockd.children()
    victim = _pid_of("celery -A stockjobs beat", before)
    os.kill(victim, signal.SIGKILL)
    # Others may come and go meanwhile; only this one was killed.
    eventually(lambda: "beat ended with code -9; it is started again" in stockd.output(), tell=stockd.output)
    eventually(lambda: len({*stockd.children()} - {victim}) == 5, tell=stockd.output)
    assert victim not in stockd.children()


def test_nothing_is_left_behind_when_the_system_is_killed(stockd: Stockd) -> None:
    children = stockd.children()
    stockd.process.kill()
    stockd.process.wait()
    eventually(lambda: not any(_is_alive(pid) for pid in children), within=60)


def test_the_system_works_in_another_terminal_stops_cleanly_and_keeps_its_state(stockd: Stockd, folder: Folder) -> None:
    applied = stockd.stockctl("apply", "-f", "-", "--dry-run")
    assert applied.returncode == 2
    run = stockd.stockctl("backfill", "--symbols", "AAPL,MSFT", "--period", "P1Y", "--wait", "--timeout", "60s")
    assert run.returncode == 0, run.stderr
    children = stockd.children()
    assert len(children) == 5
    assert stockd.interrupt() == 0
    assert not any(_is_alive(pid) for pid in children)
    again = folder.running()
    shown = again.stockctl("data", "-o", "csv")
    assert [line.split(",")[0] for line in shown.stdout.splitlines()] == ["symbol", "AAPL", "MSFT"]
    assert again.interrupt() == 0


def test_the_demonstration_lands_everything_and_says_what_to_try_next(tmp_path: Path) -> None:
    shown = subprocess.run(
        [_BIN / "stockd", "demo"],
        cwd=tmp_path,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "4 of 4 jobs landed" in shown.stdout
    for symbol in ("AAPL", "7203.T", "BTC-USD", "^GSPC"):
        assert symbol in shown.stdout
    assert shown.stdout.count("stockctl --database-url") == 2


def test_the_demonstration_empties_no_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    shown = subprocess.run(
        [_BIN / "stockd", "demo", "--state-dir", "."],
        cwd=tmp_path,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert shown.returncode == 2
    assert "choose another folder" in shown.stderr
    assert (tmp_path / "precious.txt").exists()


def _pid_of(command: str, pids: set[int]) -> int:
    for pid in pids:
        if command in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "):
            return pid
    raise AssertionError(f"no process runs {command}")


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
