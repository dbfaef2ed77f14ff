"""docker-compose.yml in use: there is no Docker engine in a test, so its services run as processes."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.fixtures.needs import needed
from tests.fixtures.redis import eventually
from tests.integration.deploy.stack import Container, Stack, running_stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

_READY = ("MARKETDATA_INCREMENTAL", "MARKETDATA_BACKFILL", "FUNDAMENTALS_INCREMENTAL", "FUNDAMENTALS_BACKFILL")
_STAY = ("postgres", "redis", "simulator", "beat", "beat", "worker-realtime", "worker-historical", "flower")

# A worker's loop comes round every five seconds: this is the minute of the file, shortened.
PATIENCE = ("60", "8")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The whole file, up and healthy."""
    needed("redis-cli", "redis-tools")
    with running_stack() as found:
        yield found


def test_jobs_that_are_applied_through_a_container_are_collected_by_the_others(stack: Stack) -> None:
    applied = stack.run("stockctl", "apply", "-f", "examples")
    assert applied.returncode == 0, applied.stderr
    for job in _READY:
        asked = stack.run("stockctl", "trigger", job, "--wait", "--timeout", "90s")
        assert asked.returncode == 0, (asked.stdout, asked.stderr)
    assert len({one["symbol"] for one in _json(stack, "data")}) >= 20
    for lane in ("realtime", "historical"):
        assert '"verdict": "completed"' in _one(stack, f"worker-{lane}").output()


def _json(stack: Stack, *verb: str) -> Any:
    asked = stack.run("stockctl", *verb, "-o", "json")
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout)


def test_redis_has_refused_nothing_that_the_system_asked_of_it(stack: Stack) -> None:
    with _redis(stack) as client:
        assert "errorstat_NOPERM" not in cast("dict[str, Any]", client.info("errorstats"))


def test_everything_that_is_to_stay_runs_and_is_healthy(stack: Stack) -> None:
    assert [container.service.name for container in stack.containers] == list(_STAY)
    for container in stack.containers:
        checked = container.check()
        assert checked.returncode == 0, (container.name, checked.stdout, checked.stderr)


@pytest.mark.parametrize("name", ["beat", "worker-realtime"])
def test_a_process_that_makes_no_progress_becomes_unhealthy_and_recovers(stack: Stack, name: str) -> None:
    container = _one(stack, name)
    assert container.check(PATIENCE).returncode == 0
    container.process.send_signal(signal.SIGSTOP)
    try:
        eventually(lambda: container.check(PATIENCE).returncode == 1, within=60)
    finally:
        container.process.send_signal(signal.SIGCONT)
    eventually(lambda: container.check(PATIENCE).returncode == 0, within=60, tell=container.output)


def test_migrating_again_changes_nothing(stack: Stack) -> None:
    assert stack.run("migrate").returncode == 0


def test_the_database_wants_its_password(stack: Stack) -> None:
    url = stack.secret("database_url").replace(stack.secret("postgres_password"), "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_a_dump_restores_into_an_empty_database(stack: Stack, tmp_path: Path) -> None:
    url = stack.secret("database_url")
    other = f"{url.rpartition('/')[0]}/restored"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE restored")
    for program in (("pg_dump", "-Fc", "-f", tmp_path / "dump", url), ("pg_restore", "-d", other, tmp_path / "dump")):
        command = [stack.postgres.programs / program[0], *program[1:]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    # What is long past and long landed, since the jobs of the examples go on.
    closes = [_old_closes(place) for place in (url, other)]
    assert closes[0] == closes[1]
    assert len(closes[0]) > 1000


def _old_closes(url: str) -> list[Any]:
    asked = "SELECT at, close FROM bars JOIN symbols USING (instrument_id) WHERE symbol = 'AAPL' AND interval_s = 86400"
    with psycopg.connect(url) as connection:
        return connection.execute(f"{asked} AND at < current_date - 7 ORDER BY at").fetchall()


def test_redis_wants_its_password(stack: Stack) -> None:
    port = stack.ports["6379"]
    for login in ({}, {"username": "stockjobs", "password": "wrong"}):
        client = redis.Redis(port=port, retry=Retry(NoBackoff(), 0), **login)
        with client, pytest.raises(redis.AuthenticationError):
            client.ping()


@pytest.mark.parametrize("command", ["FLUSHALL", "SHUTDOWN", "CONFIG GET requirepass", "KEYS *", "REPLICAOF NO ONE"])
def test_redis_lets_nobody_administer_it(stack: Stack, command: str) -> None:
    with _redis(stack) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command.split())


def test_redis_keeps_what_waits(stack: Stack) -> None:
    with _redis(stack) as client:
        told = cast("dict[str, Any]", client.info())
    assert (told["maxmemory_policy"], told["aof_enabled"]) == ("noeviction", 1)


def _redis(stack: Stack) -> redis.Redis:
    return redis.Redis.from_url(stack.secret("redis_url"))


@pytest.mark.parametrize("path", ["/", "/tasks", "/workers", "/broker", "/api/workers", "/api/tasks"])
def test_flower_asks_for_its_login(stack: Stack, path: str) -> None:
    assert _status(stack, path) == 401
    assert _status(stack, path, "admin:wrong") == 401
    assert _status(stack, path, stack.secret("flower_login")) == 200


def test_flower_changes_nothing(stack: Stack) -> None:
    worker = next(iter(json.loads(_flower(stack, "/api/workers?refresh=1", stack.secret("flower_login")))))
    assert _status(stack, f"/api/worker/shutdown/{worker}", stack.secret("flower_login"), method="POST") == 403


def _status(stack: Stack, path: str, login: str = "", method: str = "GET") -> int:
    try:
        _flower(stack, path, login, method)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code
    return 200


def _flower(stack: Stack, path: str, login: str, method: str = "GET") -> bytes:
    headers = {"Authorization": f"Basic {b64encode(login.encode()).decode()}"} if login else {}
    request = urllib.request.Request(f"http://127.0.0.1:{stack.ports['5555']}{path}", headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bytes(answer.read())


def test_no_secret_is_shown_by_processes_or_logs(stack: Stack) -> None:
    secrets = [stack.secret(name) for name in ("postgres_password", "redis_password")]
    secrets.append(stack.secret("flower_login").partition(":")[2])
    shown = [container.output() for container in stack.containers]
    for container in stack.containers:
        first = psutil.Process(container.process.pid)
        for process in (first, *first.children(recursive=True)):
            shown += [*process.cmdline(), *process.environ().values()]
    assert not [secret for secret in secrets if any(secret in text for text in shown)]


def test_work_goes_on_when_redis_comes_back_with_nothing(stack: Stack) -> None:
    worker, before = _one(stack, "worker-realtime"), _one(stack, "redis")
    assert before.stop() == 0
    stack.containers.remove(before)
    eventually(lambda: worker.check(PATIENCE).returncode == 1, within=60, tell=worker.output)
    shutil.rmtree(stack.redis_data)
    stack.redis_data.mkdir()
    stack.start("redis").wait_until_healthy()
    eventually(lambda: worker.check(PATIENCE).returncode == 0, within=60, tell=worker.output)
    asked = stack.run("stockctl", "trigger", _READY[0], "--wait", "--timeout", "60s")
    assert asked.returncode == 0, (asked.stdout, asked.stderr, worker.output())


def test_a_beat_that_waits_for_the_database_is_healthy(stack: Stack) -> None:
    beat, before = _one(stack, "beat"), _one(stack, "postgres")
    assert before.stop() == 0
    stack.containers.remove(before)
    try:
        eventually(lambda: beat.output().count("cannot be reached") > 10, within=60, tell=beat.output)
        assert beat.check(PATIENCE).returncode == 0
    finally:
        stack.start("postgres").wait_until_healthy()
    asked = stack.run("stockctl", "trigger", _READY[0], "--wait", "--timeout", "60s")
    assert asked.returncode == 0, (asked.stdout, asked.stderr, beat.output())


@pytest.mark.parametrize(
    "name", ["worker-realtime", "worker-historical", "beat", "flower", "simulator", "redis", "postgres"]
)
def test_a_service_stops_in_time_when_it_is_told_to(stack: Stack, name: str) -> None:
    for container in [one for one in stack.containers if one.service.name == name]:
        assert container.stop() == 0, container.output()
        stack.containers.remove(container)


def _one(stack: Stack, name: str) -> Container:
    return next(container for container in stack.containers if container.service.name == name)
