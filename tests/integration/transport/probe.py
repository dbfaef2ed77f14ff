"""A Celery application with one task, which writes down that it was called; run by real workers in the tests."""

from __future__ import annotations

import os

from stockjobs.transport.app import TransportConfig, make_app
from stockjobs.transport.messages import COLLECT_TASK
from tests.fixtures.redis import redis_client

BROKER = os.environ["PROBE_BROKER"]
app = make_app(TransportConfig(BROKER, include=(), historical_share=float(os.environ.get("PROBE_SHARE", "0.1"))))


@app.task(name=COLLECT_TASK)  # type: ignore[untyped-decorator]
def collect(task: str, attempt: int, lane: str) -> None:
    """Write the call down; with a gate, wait before the end until the test lets it go on."""
    with redis_client(BROKER) as client:
        client.rpush("probe:done", f"{lane} {attempt}")
        if "PROBE_GATED" in os.environ:
            client.blpop(["probe:gate"], timeout=30)


@app.task(name="probe.foreign")  # type: ignore[untyped-decorator]
def foreign(number: int) -> None:
    """A task of somebody else's, on a queue that is no lane."""
    with redis_client(BROKER) as client:
        client.rpush("probe:done", f"foreign {number}")
