"""What beat does beside its ticks, in a thread of its own: calendars, freshness, bars that are about to perish."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from stockjobs.errors import Unavailable
from stockjobs.telemetry import logs

log = logs.get("beat")

EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Duty:
    """Something to be done every so often; it returns the sentence and the data to log, or nothing."""

    name: str
    do: Callable[[], tuple[str, dict[str, object]] | None]


class Duties:
    """Does duties one after another, every minute, until it is stopped. Any number of beats may do the same."""

    def __init__(self, duties: Sequence[Duty], every: timedelta = EVERY) -> None:
        self._duties = duties
        self._every = every
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="duties", daemon=True)

    def start(self) -> None:
        """Begin, unless that was done."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self, timeout: timedelta = timedelta(seconds=2)) -> None:
        """Begin no other duty; a long one under way ends with the process, and is done again by the next."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout.total_seconds())

    def _run(self) -> None:
        while not self._stopped.is_set():
            for duty in self._duties:
                if self._stopped.is_set():
                    return
                _do(duty)
            self._stopped.wait(self._every.total_seconds())


def _do(duty: Duty) -> None:
    try:
        told = duty.do()
    except Unavailable as error:
        log.warning("A duty has to wait: a server is away or busy.", action=duty.name, error=str(error))
    except Exception as error:  # the edge of the thread: one duty that fails must not end the others
        log.error(
            "A duty failed; it is tried again in a minute.", action=duty.name, error=f"{type(error).__name__}: {error}"
        )
    else:
        if told is not None:
            sentence, data = told
            log.info(sentence, action=duty.name, **data)
