"""How long some requests take: by what the provider's budget allows, or by what the workers were measured to do. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from stockjobs.domain.asking.budgets import Budget


class Basis(StrEnum):
    """What an expected duration follows from."""

    BUDGET = "budget"
    MEASURED = "measured"


@dataclass(frozen=True)
class Speed:
    """What workers did lately: how long an attempt took for each of its requests, and how many attempts run at once now."""

    per_request: timedelta
    slots: int


@dataclass(frozen=True)
class Duration:
    """How long some work is expected to take, and what that follows from."""

    length: timedelta
    basis: Basis


def duration_of(requests: int, budget: Budget, speed: Speed | None) -> Duration | None:
    """How long some requests take: the slower of what is allowed and what was measured; None where neither is known.

    The budget counts at the pace that can be kept up, without what it allows at once at the start.
    """
    known = []
    if budget.is_limited:
        known.append(Duration(budget.interval * requests, Basis.BUDGET))
    if speed is not None and speed.slots > 0:
        known.append(Duration(speed.per_request * requests / speed.slots, Basis.MEASURED))
    return max(known, key=lambda one: one.length, default=None)
