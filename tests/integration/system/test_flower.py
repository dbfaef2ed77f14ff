"""What Flower shows of a fleet, asked through its API."""

from __future__ import annotations

import base64
import json
import socket
import urllib.error
import urllib.request
from typing import Any

import pytest

from stockjobs.domain.work.states import State
from stockjobs.simulator.client import SimulatorClient
from tests.fixtures.fleet import Fleet
from tests.fixtures.redis import eventually

pytestmark = [pytest.mark.integration, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

_USER = "admin:secret"


def test_flower_shows_a_failure_as_failure_and_a_retry_as_retry(fleet: Fleet, yahoo: SimulatorClient) -> None:
    yahoo.fault("status", status=503, symbol="MSFT", times=1)
    flower = _Flower(fleet)
    fleet.worker()
    eventually(lambda: bool(flower.get("/api/workers?refresh=1")), tell=fleet.logs)
    fleet.beat()
    retried = fleet.collect("RETRIED", symbols=["MSFT"], retry={"initial": "PT0.1S", "cap": "PT0.1S"})
    failed = fleet.collect("FAILED", symbols=["NOSUCH"])
    attempts = [attempt for report in (retried, failed) for _, tried in report.details for attempt in tried]
    eventually(lambda: set(flower.states()) >= {str(attempt.id) for attempt in attempts}, tell=fleet.logs)
    wanted = {"retried": "RETRY", "completed": "SUCCESS", "failed": "FAILURE"}
    eventually(
        lambda: flower.states() == {str(attempt.id): wanted[attempt.state] for attempt in attempts},
        tell=lambda: str(flower.states()),
    )
    names = {(task["name"], task["args"]) for task in flower.get("/api/tasks").values()}
    assert names == {("collect RETRIED", "MSFT 1d"), ("collect FAILED", "NOSUCH 1d")}


def test_flower_shows_an_attempt_whose_process_was_killed_as_failed(fleet: Fleet, yahoo: SimulatorClient) -> None:
    yahoo.fault("latency", seconds=25.0, times=1)
    flower = _Flower(fleet)
    worker = fleet.worker(slots=1)
    eventually(lambda: bool(flower.get("/api/workers?refresh=1")), tell=fleet.logs)
    fleet.beat()
    fleet.define("KILLED", symbols=["AAPL"])
    occurrence = fleet.trigger("KILLED")
    eventually(lambda: len(yahoo.requests()) > 0, tell=fleet.logs)
    worker.kill_children()
    [(_, attempts)] = fleet.ended(occurrence).details
    assert [attempt.state for attempt in attempts] == [State.LOST, State.COMPLETED]
    lost, completed = (str(attempt.id) for attempt in attempts)
    eventually(lambda: flower.states() == {lost: "FAILURE", completed: "SUCCESS"}, tell=fleet.logs)


def test_flower_refuses_strangers(fleet: Fleet) -> None:
    flower = _Flower(fleet)
    eventually(lambda: flower.get("/api/workers") == {}, tell=fleet.logs)
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        flower.open("/api/workers", {})
    refused.value.close()


class _Flower:
    """Flower as a member of the fleet, and its API."""

    def __init__(self, fleet: Fleet) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        fleet.start("flower", f"--port={self._port}", "--address=127.0.0.1", FLOWER_BASIC_AUTH=_USER)

    def get(self, path: str) -> Any:
        """The JSON of a path, None while Flower does not answer."""
        try:
            return json.loads(self.open(path, {"Authorization": "Basic " + base64.b64encode(_USER.encode()).decode()}))
        except urllib.error.URLError:
            return None

    def open(self, path: str, headers: dict[str, str]) -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=5) as answer:
            body: bytes = answer.read()
        return body

    def states(self) -> dict[str, str]:
        """The state of each task that Flower has seen."""
        return {task: shown["state"] for task, shown in (self.get("/api/tasks") or {}).items()}
