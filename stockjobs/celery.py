"""The Celery application that `celery -A stockjobs worker`, `beat` and `flower` find."""

from __future__ import annotations

import sys
from datetime import timedelta

from celery import Celery

from stockjobs.bootstrap import Container
from stockjobs.errors import StockjobsError
from stockjobs.settings import Settings
from stockjobs.telemetry import logs
from stockjobs.transport.app import TransportConfig, make_app

# A landing may wait ten minutes for a database that is away.
_GRACE = timedelta(minutes=15)
_KIB_A_MIB = 1024


def _app(settings: Settings) -> Celery:
    config = TransportConfig(
        broker_url=settings.redis_url,
        historical_share=settings.historical_share,
        # The job's own timeout ends a download; this only frees a child process that hangs before or after it.
        hard_limit=settings.max_timeout + _GRACE.total_seconds(),
        max_memory_per_child=settings.worker_memory and settings.worker_memory * _KIB_A_MIB,
    )
    return make_app(config)


try:
    container = Container()
    app = _app(container.settings)
except StockjobsError as error:
    # The `celery` command would print a traceback of its own.
    print(f"stockjobs: {error}", file=sys.stderr)  # noqa: T201
    raise SystemExit(2) from None


def check_servers(waiting: str) -> None:
    """Look at both servers before a worker or a beat begins: exit with 2 and a sentence where waiting will not help."""
    try:
        for problem in container.check():
            logs.get(waiting).warning("A server cannot be reached; it is waited for.", action="start", error=problem)
    except StockjobsError as error:
        print(f"stockjobs: {error}", file=sys.stderr)  # noqa: T201 - the command's own message
        raise SystemExit(2) from None
