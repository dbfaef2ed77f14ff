"""How long some requests take: by what the provider's budget allows, or by what the workers were measured to do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from stockjobs.domain.asking.budgets import Budget, Usage


class Basis(StrEnum):
    """What an expected duration follows from."""

    TOLD = "told"
    """The budgets that running workers keep, as they told."""
    BUDGET = "budget"
    """The budget by the settings of who asks, as no worker has asked the provider within a day."""
    MEASURED = "measured"
    """What workers did lately."""


@dataclass(frozen=True)
class Allowance:
    """What historical work may ask of a provider: the budget of each egress, and who says so."""

    budgets: tuple[Budget, ...]
    basis: Basis

    @property
    def interval(self) -> timedelta:
        """The time between two requests that all egresses together can keep up; nothing where one has no limit."""
        if not all(one.is_limited for one in self.budgets):
            return timedelta(0)
        in_a_second = sum(1 / one.interval.total_seconds() for one in self.budgets)
        return timedelta(seconds=1 / in_a_second) if in_a_second else timedelta(0)


NO_ALLOWANCE = Allowance((), Basis.BUDGET)
"""That of a provider without a budget."""


def allowance_of(usages: Sequence[Usage], own: Budget) -> Allowance:
    """What historical work may ask by the budgets of all egresses as workers keep them; where none told, by one's own."""
    if usages:
        return Allowance(tuple(usage.kept for usage in usages), Basis.TOLD)
    return Allowance((own,), Basis.BUDGET)


@dataclass(frozen=True)
class Speed:
    """What workers did lately: how long an attempt took for each of its requests, and how many attempts run at once now."""

    per_request: timedelta
    slots: int

    def at_most(self, slots: int) -> Speed:
        """The same where no more than so many attempts can run at once."""
        return replace(self, slots=min(self.slots, slots))


@dataclass(frozen=True)
class Duration:
    """How long some work is expected to take, and what that follows from."""

    length: timedelta
    basis: Basis


def duration_of(requests: int, allowance: Allowance, speed: Speed | None) -> Duration | None:
    """How long some requests take: the slower of what is allowed and what was measured; None where neither is known.

    A budget counts at the pace that can be kept up, without what it allows at once at the start.
    """
    known = []
    if allowance.interval:
        known.append(Duration(allowance.interval * requests, allowance.basis))
    if speed is not None and speed.slots > 0:
        known.append(Duration(speed.per_request * requests / speed.slots, Basis.MEASURED))
    return max(known, key=lambda one: one.length, default=None)
