"""The time of the simulated market: the real one, one that stands still, or one that runs ahead or behind."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass
class Clock:
    """Epoch seconds. `fixed` stands still; otherwise the real time is shifted by `offset` seconds."""

    fixed: float | None = None
    offset: float = 0.0

    def now(self) -> float:
        """The present instant of the market."""
        return self.fixed if self.fixed is not None else time.time() + self.offset

    def set(self, at: float, *, ticking: bool = False) -> None:
        """Put the clock to an instant, to stand still there or to run on from it."""
        self.fixed = None if ticking else at
        self.offset = at - time.time() if ticking else 0.0

    def advance(self, seconds: float) -> None:
        """Move the clock on, whether it stands or runs."""
        if self.fixed is not None:
            self.fixed += seconds
        else:
            self.offset += seconds

    def reset(self) -> None:
        """Back to the real time."""
        self.fixed, self.offset = None, 0.0
