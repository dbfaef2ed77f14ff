"""What happens when a worker starts, forks and stops. Everything is opened after the fork; the ledger sees each worker."""

from __future__ import annotations

import faulthandler
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import version
from typing import Any

from billiard.util import get_logger
from celery.signals import (
    setup_logging,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from celery.worker.state import active_requests

from stockjobs.bootstrap import Container
from stockjobs.celery import app, check_servers
from stockjobs.celery import container as parent
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import StockjobsError
from stockjobs.providers import registry
from stockjobs.store.ledger import workers
from stockjobs.store.ledger.workers import Worker
from stockjobs.telemetry import logs
from stockjobs.transport.width import Width
from workers.forks import between_forks
from workers.health import BeatingHeart
from workers.usage import Meter, children_of

log = logs.get("workers")
_LAST_WORD_S = 5.0
_USUAL_PROVIDER = "yahoo"
_MAIN = os.getpid()
# By its number: whatever Python's own stderr is replaced by, this one can be written to without Python.
_STDERR = 2


@cache
def _container_of(pid: int) -> Container:
    # A child that does not come to its end frees its slot by dying; the main process must live.
    return Container(parent.settings) if pid == _MAIN else Container(parent.settings, last_resort=die_after)


@contextmanager
def die_after(time: timedelta) -> Iterator[None]:
    """Unless the block is left in time, write where every thread stands to stderr, and exit.

    It needs no turn of the interpreter, so it also ends code that hangs while it holds on to it.
    """
    faulthandler.dump_traceback_later(time.total_seconds(), exit=True, file=_STDERR)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def container() -> Container:
    """The container of this process: a forked child never uses what its parent opened."""
    return _container_of(os.getpid())


def _set_up_logs(**_: Any) -> None:
    parent.configure_logs()
    # The pool says what it does to a logger of its own: a process with too much memory, for one, belongs into ours.
    of_the_pool = get_logger()
    of_the_pool.setLevel("WARNING")
    of_the_pool.propagate = True


def _check(**_: Any) -> None:
    check_servers("workers")
    # It takes seconds and much memory: done before the fork, all children share both.
    registry.preload(_USUAL_PROVIDER)


def _show(sender: Any, **_: Any) -> None:
    Presence(sender).start()


def _stop_showing(**_: Any) -> None:
    # A signal announces itself first, a shutdown by remote control only comes to its end.
    while Presence.running:
        Presence.running.pop().stop()


def _after_fork(**_: Any) -> None:
    _container_of.cache_clear()


def _close(**_: Any) -> None:
    container().close()


class Presence:
    """Tells the ledger every few seconds that this worker is there, which lanes it serves, how wide and how busy it is."""

    running: list[Presence] = []  # noqa: RUF012 - the worker's signals carry no state of ours

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._stopped = threading.Event()
        self._started_at: datetime | None = None
        self._meter = Meter()
        self._thread = threading.Thread(target=self._tell, name="presence", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self.running.append(self)
        self._thread.start()

    def stop(self) -> None:
        """Tell that the worker leaves."""
        self._stopped.set()
        # First the other thread's last word, then ours.
        self._thread.join(_LAST_WORD_S)
        try:
            with container().ready_database.begin() as connection:
                workers.leave(connection, self._consumer.hostname, os.getpid())
        except StockjobsError as error:
            log.warning("The worker could not sign off.", action="leave", error=str(error))

    def _tell(self) -> None:
        while not self._stopped.is_set():
            try:
                with between_forks(), container().ready_database.begin() as connection:
                    workers.show(connection, self._worker(container().ready_database.now(connection)))
            except (
                Exception
            ) as error:  # the edge: a pool or a connection that is just changing must not end this thread
                log.warning("The worker could not show itself.", action="show", error=str(error))
            self._stopped.wait(parent.settings.heartbeat)

    def _worker(self, now: datetime) -> Worker:
        self._started_at = self._started_at or now
        queues = {queue.name for queue in self._consumer.task_consumer.queues}
        pool = self._consumer.pool
        usage = self._meter.look([os.getpid(), *children_of(pool)])
        return Worker(
            name=self._consumer.hostname,
            lanes=tuple(lane for lane in Lane if lane.value in queues),
            pool=type(pool).__module__.rpartition(".")[2],
            concurrency=int(Width.of(self._consumer)),
            running=len(active_requests),
            memory=usage.memory,
            cpu=usage.cpu,
            version=version("stockjobs"),
            pid=os.getpid(),
            started_at=self._started_at,
            seen_at=now,
        )


setup_logging.connect(_set_up_logs, weak=False)
worker_init.connect(_check, weak=False)
worker_ready.connect(_show, weak=False)
worker_shutting_down.connect(_stop_showing, weak=False)
worker_shutdown.connect(_stop_showing, weak=False)
worker_process_init.connect(_after_fork, weak=False)
worker_process_shutdown.connect(_close, weak=False)
app.steps["consumer"].add(BeatingHeart)
