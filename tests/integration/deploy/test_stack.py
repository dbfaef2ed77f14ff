"""docker-compose.yml in use: there is no Docker engine in a test, so its services run as processes."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.fixtures.redis import eventually
from tests.integration.deploy.stack import Container, Stack, running_stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300), pytest.mark.xdist_group("compose")]

_READY = ("MARKETDATA_INCREMENTAL", "MARKETDATA_BACKFILL", "FUNDAMENTALS_INCREMENTAL", "FUNDAMENTALS_BACKFILL")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The whole file, up and healthy."""
    with running_stack() as found:
        yield found


def test_jobs_that_are_applied_through_a_container_are_collected_by_the_others(stack: Stack) -> None:
    applied = stack.run("stockctl", "apply", "-f", "examples/ready-jobs.yaml")
    assert applied.returncode == 0, applied.stderr
    asked = [stack.run("stockctl", "trigger", job, "-o", "json") for job in _READY]
    assert [one.returncode for one in asked] == [0, 0, 0, 0], [one.stderr for one in asked]
    ids = [json.loads(one.stdout)["id"] for one in asked]
    eventually(lambda: set(_states(stack, ids)) == {"completed"}, within=120, tell=lambda: _states(stack, ids))
    held = _json(stack, "data")
    assert len({one["symbol"] for one in held}) == 20
    done = {lane for one in ids for lane in _lanes(stack, one)}
    assert done == {"realtime", "historical"}


def _states(stack: Stack, ids: list[str]) -> list[str]:
    return [one["state"] for one in _json(stack, "get", "occurrences", *ids)]


def _lanes(stack: Stack, occurrence: str) -> set[str]:
    return {attempt["lane"] for task in _json(stack, "describe", "occurrence", occurrence)["tasks"] for attempt in task["attempts"]}


def _json(stack: Stack, *verb: str) -> Any:
    asked = stack.run("stockctl", *verb, "-o", "json")
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout)
