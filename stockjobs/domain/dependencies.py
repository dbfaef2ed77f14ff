"""Dependencies: what becomes of an occurrence that waits for others, and circles among jobs that wait for each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from stockjobs.domain.jobs import OnFailure
from stockjobs.domain.states import ENDED, State


class Standing(StrEnum):
    """How it stands with one that is waited for; unmet is whatever ended otherwise than completed, or never was."""

    WAITING = "waiting"
    MET = "met"
    UNMET = "unmet"


@dataclass(frozen=True)
class Awaited:
    """One that an occurrence waits for: an occurrence of another job, as it stands at a moment.

    `state` is None while it is not there; `may_come` is then False if it never will be. `known` is what was decided before.
    """

    number: int
    job: str
    occurrence_id: UUID | None
    on_failure: OnFailure
    state: State | None = None
    may_come: bool = True
    known: Standing = Standing.WAITING

    def standing(self) -> Standing:
        """Whether it succeeded. What was decided once stands, even if the other is tried again later."""
        if self.known is not Standing.WAITING:
            return self.known
        if self.state is None:
            return Standing.WAITING if self.may_come else Standing.UNMET
        if self.state not in ENDED:
            return Standing.WAITING
        return Standing.MET if self.state is State.COMPLETED else Standing.UNMET

    def shown(self) -> str:
        """How it stands, in words that follow its name."""
        if self.state is None:
            return "has no occurrence yet" if self.may_come else "has no occurrence at that time, and will have none"
        return _SHOWN.get(self.state, f"is {self.state}")


@dataclass(frozen=True)
class Wait:
    """It goes on waiting."""


@dataclass(frozen=True)
class Start:
    """Nothing keeps it from starting any more."""


@dataclass(frozen=True)
class Stop:
    """It ends in a state without having started, for a reason."""

    state: State
    reason: str


Fate = Wait | Start | Stop
_SHOWN = {
    State.COMPLETED: "completed",
    State.FAILED: "failed",
    State.TIMEOUT: "ran out of time",
    State.CANCELLED: "was cancelled",
    State.SKIPPED: "was skipped",
}
_ENDS_AS = {OnFailure.SKIP: State.SKIPPED, OnFailure.FAIL: State.FAILED}


def decide(awaited: Sequence[Awaited]) -> Fate:
    """What becomes of an occurrence that waits for these. The first failure that matters ends it, whatever the others do."""
    for one in awaited:
        if one.standing() is Standing.UNMET and one.on_failure in _ENDS_AS:
            return Stop(_ENDS_AS[one.on_failure], f"it waited for {one.job!r}, which {one.shown()}")
    return Wait() if any(one.standing() is Standing.WAITING for one in awaited) else Start()


def circles(edges: Mapping[str, Collection[str]], among: Collection[str]) -> list[list[str]]:
    """Circles in which jobs wait for each other: for each of the jobs `among` that is in any, a shortest one.

    `edges` gives for each job those that it waits for. A circle begins and ends with the same name: a, b, c, a. Jobs that are in
    one that was found already are not looked at again.
    """
    found: list[list[str]] = []
    seen: set[str] = set()
    for job in sorted(among):
        if job not in seen and (path := _path(edges, job, job)):
            found.append(path)
            seen.update(path)
    return found


def _path(edges: Mapping[str, Collection[str]], start: str, goal: str) -> list[str] | None:
    """The shortest way from one job along what it waits for to another, at least one step long."""
    came_from: dict[str, str] = {}
    nearest = [start]
    for job in nearest:
        for other in sorted(edges.get(job, ())):
            if other == goal:
                return [*_back(came_from, start, job), goal]
            if other not in came_from and other != start:
                came_from[other] = job
                nearest.append(other)
    return None


def _back(came_from: Mapping[str, str], start: str, job: str) -> list[str]:
    path = [job]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return path[::-1]
