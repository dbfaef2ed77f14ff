"""The requests that an address may make: so many a second, so many in a window; beyond, it is refused and may be blocked."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field

from pydantic import ConfigDict


@dataclass(frozen=True)
class Allowance:
    """What one address may ask for. 0 is without limit; `block_seconds` shuts it out after the first refusal."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    per_second: int = 0
    per_window: int = 0
    window_seconds: float = 60.0
    block_seconds: float = 0.0
    retry_after: int | None = None


@dataclass
class Budget:
    """The requests of each address, held against the allowance; refused ones are not counted as made."""

    allowance: Allowance = field(default_factory=Allowance)
    _made: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _blocked_until: dict[str, float] = field(default_factory=dict)

    def admits(self, address: str, at: float) -> bool:
        """True if one more request is within the allowance; it is then counted. `at` is monotonic seconds."""
        if at < self._blocked_until.get(address, 0.0):
            return False
        made, allowed = self._made[address], self.allowance
        while made and made[0] <= at - max(allowed.window_seconds, 1.0):
            made.popleft()
        lately = sum(1 for moment in made if moment > at - 1.0) if allowed.per_second else 0
        if (allowed.per_second and lately >= allowed.per_second) or (
            allowed.per_window and len(made) >= allowed.per_window
        ):
            self._blocked_until[address] = at + allowed.block_seconds
            return False
        if allowed.per_second or allowed.per_window:
            made.append(at)
        return True
