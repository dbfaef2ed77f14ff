"""The whole system on one machine: an embedded Redis and SQLite where none is configured, beat, and a worker for each lane."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from stockjobs.bootstrap import Container
from stockjobs.daemon.folder_lock import locked
from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.daemon.supervisor import Program, Supervisor
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import Unreachable
from stockjobs.settings import Origin, Settings

LOCK = "stockd.lock"
"""The file in a state folder that a running system holds, and that tells such a folder from others."""

_START_WITHIN = 60.0
_PAUSE = 0.1


@dataclass(frozen=True)
class SystemConfig:
    """What runs: where its state is, how many tasks each lane's worker runs at once, and what runs beside.

    With `simulator` the local Yahoo server stands in for Yahoo. `flower` is a port, or None for no Flower.
    """

    state_dir: Path
    concurrency: int = 2
    simulator: bool = False
    flower: int | None = None
    pool: str = "prefork"


class System:
    """Starts, watches and stops everything; enter it, then call `look_after` every so often."""

    def __init__(
        self, config: SystemConfig, given: tuple[Settings, dict[str, Origin]], tell: Callable[[str], None]
    ) -> None:
        self._config = config
        self._given, self._origins = given
        self._tell = tell
        self._dir = config.state_dir.absolute()
        self._supervisor = Supervisor(self._dir / "logs", tell)
        self._redis: EmbeddedRedis | None = None
        self._lock: int | None = None
        self._settings = self._given

    @property
    def settings(self) -> Settings:
        """The settings of everything that runs."""
        return self._settings

    @property
    def log_dir(self) -> Path:
        """Where the programs' output goes."""
        return self._dir / "logs"

    def __enter__(self) -> System:
        self._dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = locked(self._dir / LOCK, patience=5.0)
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def look_after(self) -> None:
        """Start again what has ended by itself."""
        if self._redis is not None and self._redis.pid is None:
            self._tell("the embedded Redis has ended; it is started again")
            self._redis.start()
        self._supervisor.look_after()

    def wait_for_workers(self) -> None:
        """Return when a worker of each lane has shown itself. Raises Unreachable if that takes too long."""
        reports = Container(self._settings).reports
        self._wait_until(
            lambda: {lane for worker in reports.workers() for lane in worker.lanes} == set(Lane), "the workers"
        )

    def _start(self) -> None:
        changes: dict[str, object] = {}
        if not self._is_given("database_url"):
            changes["database_url"] = f"sqlite:///{self._dir / 'stockjobs.db'}"
        if not self._is_given("redis_url"):
            self._redis = EmbeddedRedis(self._dir)
            self._redis.start()
            changes["redis_url"] = self._redis.url
        if self._config.simulator:
            changes["provider_url"] = self._start_simulator()
        self._settings = self._given.model_copy(update=changes)
        # Migrated once, here, before anybody else looks.
        container = Container(self._settings)
        container.ready_database.dispose()
        container.inspector.check_server()
        for program in self._programs():
            self._supervisor.start(program)

    def _start_simulator(self) -> str:
        ready = self._dir / "simulator.json"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "stockjobs.simulator", "--port", str(_free_port())]
        command += ["--state-dir", str(self._dir), "--ready-file", str(ready)]
        self._supervisor.start(Program("simulator", command))
        self._wait_until(ready.exists, "the local Yahoo server")
        return str(json.loads(ready.read_text())["url"])

    def _is_given(self, name: str) -> bool:
        return self._origins[name].kind in ("environment", "file", "argument")

    def _programs(self) -> list[Program]:
        environment = self._environment()
        celery = [sys.executable, "-m", "celery", "-A", "stockjobs"]
        found = [Program("beat", [*celery, "beat"], environment)]
        for lane in Lane:
            options = [
                "-Q",
                lane.value,
                "-n",
                f"{lane.value}@%h",
                "-c",
                str(self._config.concurrency),
                "-P",
                self._config.pool,
            ]
            found.append(Program(f"worker-{lane.value}", [*celery, "worker", *options], environment))
        if self._config.flower is not None:
            options = [f"--port={self._config.flower}", "--address=127.0.0.1", "--purge_offline_workers=60"]
            found.append(Program("flower", [*celery, "flower", *options], environment))
        return found

    def _environment(self) -> dict[str, str]:
        return {
            "STOCKJOBS_DATABASE_URL": self._settings.database_url,
            "STOCKJOBS_REDIS_URL": self._settings.redis_url,
            "STOCKJOBS_PROVIDER_URL": self._settings.provider_url,
            "STOCKJOBS_LOG_LEVEL": self._settings.log_level,
            "STOCKJOBS_STATE_DIR": str(self._dir),
        }

    def _wait_until(self, is_so: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _START_WITHIN
        while not is_so():
            if time.monotonic() > deadline:
                raise Unreachable(f"{what} did not come up within {_START_WITHIN:.0f} s: see {self.log_dir}")
            self.look_after()
            time.sleep(_PAUSE)

    def _stop(self) -> None:
        self._supervisor.stop()
        if self._redis is not None:
            self._redis.stop()
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
