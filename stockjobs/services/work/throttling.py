"""What the budgets leave for new work: a task that would only wait in a worker's slot stays in the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stockjobs.domain.asking.budgets import Budget, Usage
from stockjobs.domain.work.lanes import Lane

NO_CAP = 0
_NONE: Mapping[str, Budget] = {}


@dataclass(frozen=True)
class Throttle:
    """What a provider's budgets allow: how many tasks of a lane at once (`NO_CAP` for any number), and
    which lanes get nothing just now."""

    parallel: int = NO_CAP
    closed: frozenset[Lane] = frozenset()


def throttles(usages: Sequence[Usage], budgets: Mapping[str, Budget] = _NONE) -> Mapping[str, Throttle]:
    """For each provider what all its egresses together allow; nothing of a lane that is open at none of them.

    `budgets` say what one allows that nobody has asked lately: else the first tasks of a fleet would take all its slots.
    """
    of_provider: dict[str, list[Usage]] = {}
    for usage in usages:
        of_provider.setdefault(usage.provider, []).append(usage)
    unasked = {provider: Throttle(budget.parallel) for provider, budget in budgets.items() if budget.is_limited}
    return {**unasked, **{provider: _together(ones) for provider, ones in of_provider.items()}}


def _together(usages: Sequence[Usage]) -> Throttle:
    caps = [usage.budget.parallel for usage in usages]
    closed = frozenset(lane for lane in Lane if not any(usage.is_open(lane) for usage in usages))
    return Throttle(sum(caps) if all(caps) else NO_CAP, closed)
