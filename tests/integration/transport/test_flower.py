"""A real Flower beside real workers, on the same lanes."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from stockjobs.transport.publisher import Publisher
from tests.fixtures.redis import CeleryProcess, done, eventually, release, worker
from tests.integration.transport.knocks import historical, realtime

pytestmark = pytest.mark.integration


class Flower:
    """A running Flower, asked through its HTTP API as a user of it."""

    def __init__(self, process: CeleryProcess, port: int) -> None:
        self.process = process
        self._base = f"http://127.0.0.1:{port}"

    def get(self, path: str, login: str = "me:secret") -> Any:
        """The JSON of an answer; raises HTTPError for a refusal."""
        credentials = b64encode(login.encode()).decode()
        request = urllib.request.Request(self._base + path, headers={"Authorization": f"Basic {credentials}"})
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            return urllib.request.urlopen(self._base + "/healthcheck", timeout=5).status == 200
        except OSError:
            return False

    def depths(self) -> dict[str, int]:
        """The depth of each queue as Flower tells it."""
        return {queue["name"]: queue["messages"] for queue in self.get("/api/queues/length")["active_queues"]}


@pytest.fixture
def flower(redis_url: str) -> Iterator[Flower]:
    """A Flower that asks for a password, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = CeleryProcess(
        redis_url,
        "flower",
        "--address=127.0.0.1",
        f"--port={port}",
        "--basic-auth=me:secret",
        "--purge_offline_workers=1",
    )
    started = Flower(process, port)
    try:
        eventually(started.is_up, tell=process.output)
        yield started
    finally:
        process.stop()


def test_flower_shows_depths_and_each_attempt_by_its_readable_name(
    flower: Flower, redis_url: str, redis_db: redis.Redis
) -> None:
    knocks = realtime(1, 2, 3)
    Publisher(redis_url).publish([*knocks, *historical(4, 5)])
    eventually(lambda: flower.depths() == {"realtime": 3, "historical": 2}, tell=flower.process.output)
    with worker(redis_url, PROBE_GATED="1") as process:
        eventually(lambda: len(done(redis_db)) == 1, tell=process.output)
        eventually(lambda: flower.depths() == {"realtime": 2, "historical": 2}, tell=flower.process.output)
        newest = str(knocks[2].attempt_id)
        eventually(
            lambda: flower.get("/api/tasks").get(newest, {}).get("state") == "STARTED", tell=flower.process.output
        )
        release(redis_db, 5)
        eventually(lambda: len(done(redis_db)) == 5, tell=process.output)
        eventually(
            lambda: [task["state"] for task in flower.get("/api/tasks").values()] == ["SUCCESS"] * 5,
            tell=lambda: flower.get("/api/tasks"),
        )
        task = flower.get("/api/tasks")[newest]
    assert (task["name"], task["args"], task["root_id"]) == ("collect DEMO", "1d AAPL MSFT", newest)
    assert task["kwargs"] == f"realtime, attempt 3 of task {knocks[2].task_id}"


def test_flower_sees_the_worker_and_its_lanes(flower: Flower, redis_url: str, redis_db: redis.Redis) -> None:
    Publisher(redis_url).publish(realtime(1))
    with worker(redis_url) as process:
        eventually(lambda: len(done(redis_db)) == 1, tell=process.output)
        eventually(lambda: bool(flower.get("/api/workers?refresh=1")), tell=process.output)
        (found,) = flower.get("/api/workers?refresh=1").values()
    assert [queue["name"] for queue in found["active_queues"]] == ["realtime", "historical"]


def test_flower_refuses_who_has_no_password(flower: Flower) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401") as caught:
        flower.get("/api/tasks", login="me:wrong")
    caught.value.close()
