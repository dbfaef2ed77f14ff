"""How many tasks a worker runs at once, and changing that while it runs: `celery control pool_grow` and `pool_shrink`."""

from __future__ import annotations

from typing import Any


class Width:
    """The width of a worker's pool. It stands in for the pool's own `grow` and `shrink`, which Celery's commands call.

    Celery's prefork pool refuses to shrink while its children are busy, shrinks to nothing if it is asked to, and lets
    a grown pool wait some seconds for its children; its pool of threads cannot do either. With autoscaling all stays as
    it is, and `most` is the largest size, to which the pool grows when it is asked to.
    """

    def __init__(self, pool: Any, most: int | None = None) -> None:
        self._pool = pool
        self._most = most
        self._surplus = 0
        self._kind = type(pool).__module__.rpartition(".")[2]
        self._grow, self._shrink = getattr(pool, "grow", None), getattr(pool, "shrink", None)
        pool.width = self
        if most is None:
            pool.grow, pool.shrink = self.grow, self.shrink

    @classmethod
    def of(cls, consumer: Any) -> Width:
        """The width of a consumer's pool; there is one for each pool, however often the broker is connected to."""
        known: Width | None = getattr(consumer.pool, "width", None)
        return known or cls(consumer.pool, consumer.controller.max_concurrency)

    def __int__(self) -> int:
        """How many tasks may run at once. A process that is to go and is still busy does not count."""
        return self._most or int(self._pool.num_processes) - self._surplus

    def grow(self, n: int = 1) -> None:
        """Run so many tasks more at once. Raises ValueError for a pool that cannot."""
        _check(n)
        kept = min(n, self._surplus)
        self._surplus -= kept
        if n == kept:
            return
        if self._kind == "thread":
            self._resize_threads(n)
        elif self._grow is None:
            raise ValueError(f"a {self._kind} pool has the width that it was started with")
        else:
            self._grow(n - kept)
            # Or the new children would only be started at the next look after the pool, seconds later.
            self._pool.maintain_pool()

    def shrink(self, n: int = 1) -> None:
        """Run so many tasks fewer at once; what runs is not stopped. Raises ValueError if none would be left."""
        _check(n)
        # A solo pool runs one at a time, so it ends here too.
        if int(self) - n < 1:
            raise ValueError(f"it runs {int(self)} at once, and one must be left: shut it down instead")
        if self._kind == "thread":
            self._resize_threads(-n)
        else:
            self._surplus += n
            self.settle()

    def settle(self) -> None:
        """Let go of the processes that are too many, as far as they are idle. Only for the worker's event loop."""
        while self._surplus:
            try:
                self._shrink(1)  # type: ignore[misc]
            except ValueError:
                # All of them are busy; it is tried again when one of them is done.
                return
            self._surplus -= 1

    def _resize_threads(self, n: int) -> None:
        self._pool.limit += n
        # The executor starts threads up to this number and ends none; those too many stay idle.
        self._pool.executor._max_workers = max(self._pool.limit, len(self._pool.executor._threads))


def _check(n: int) -> None:
    if not isinstance(n, int) or n < 1:
        raise ValueError(f"{n!r} is not a number of slots")
