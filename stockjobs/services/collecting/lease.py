"""Keeping a claimed task: a thread renews the lease while the attempt runs, and notices when the task is not ours any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import TracebackType

from stockjobs.errors import StockjobsError
from stockjobs.store.database import Database
from stockjobs.store.ledger import claims
from stockjobs.store.ledger.claims import Claim


class Lease:
    """Renews a claim's lease while it is entered. `is_lost` once the task was cancelled or taken away.

    It looks every `heartbeat`, and renews after each third of the lease. A database that is away ends no lease: the
    attempt goes on, and the fence decides when it lands.
    """

    def __init__(self, database: Database, claim: Claim, *, lease: timedelta, heartbeat: timedelta) -> None:
        self._database = database
        self._claim = claim
        self._lease = lease
        self._heartbeat = min(heartbeat, lease / 3)
        self._done = threading.Event()
        self._lost = threading.Event()
        self._watch: tuple[float, Callable[[], object]] | None = None
        self._thread = threading.Thread(target=self._keep, name=f"lease-{claim.attempt_id}", daemon=True)

    @property
    def is_lost(self) -> bool:
        """True once the task belongs to nobody or to somebody else."""
        return self._lost.is_set()

    @contextmanager
    def ending_at(self, deadline: float, end: Callable[[], object]) -> Iterator[None]:
        """Inside the block, end the attempt by `end` should it still be there at `deadline`, by `time.monotonic()`.

        It is the ledger's remedy for code that heeds no deadline: the task goes on without it.
        """
        self._watch = (deadline, end)
        try:
            yield
        finally:
            self._watch = None

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _keep(self) -> None:
        renewed = time.monotonic()
        while not self._done.wait(self._heartbeat.total_seconds()):
            is_due = time.monotonic() - renewed >= self._lease.total_seconds() / 3
            try:
                is_ours = not self._has_overrun() and (self._renew() if is_due else self._look())
            except StockjobsError:
                # Whatever is the matter with the database, the fence decides when the attempt lands.
                continue
            if is_due:
                renewed = time.monotonic()
            if not is_ours:
                self._lost.set()
                return

    def _has_overrun(self) -> bool:
        watch = self._watch
        if watch is None or time.monotonic() < watch[0]:
            return False
        watch[1]()
        return True

    def _renew(self) -> bool:
        with self._database.begin() as connection:
            return claims.renew(connection, self._claim, self._database.now(connection) + self._lease)

    def _look(self) -> bool:
        with self._database.read() as connection:
            return claims.is_owned(connection, self._claim)
