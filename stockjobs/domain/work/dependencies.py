"""Dependencies: what becomes of an occurrence that waits for others, and circles among jobs that wait for each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from stockjobs.domain.work.jobs import OnFailure
from stockjobs.domain.work.states import ENDED, State


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
Edges = Mapping[str, Collection[str]]
"""For each job the names of those that it waits for."""

_CIRCLES_AT_MOST = 10
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


def circles(edges: Edges, among: Collection[str]) -> list[list[str]]:
    """Circles in which jobs wait for each other: for each of the jobs `among` that is in any, a shortest one.

    `edges` gives for each job those that it waits for. A circle begins and ends with the same name: a, b, c, a. Jobs that are in
    one that was found already are not looked at again, and after ten it is enough.
    """
    left = _entangled(edges)
    found: list[list[str]] = []
    seen: set[str] = set()
    for job in sorted(left.keys() & set(among)):
        if len(found) < _CIRCLES_AT_MOST and job not in seen and (path := _path(left, job, job)):
            found.append(path)
            seen.update(path)
    return found


def _entangled(edges: Edges) -> Edges:
    """What is left when all are taken away who wait for nobody, or for whom nobody waits, again and again: mostly nothing."""
    return _turned(_without_ends(_turned(_without_ends(edges))))


def _without_ends(edges: Edges) -> Edges:
    left = {job: set(others) & edges.keys() for job, others in edges.items()}
    waiting = _turned(left)
    ends = [job for job, others in left.items() if not others]
    for end in ends:
        del left[end]
        for job in waiting.get(end, ()):
            left[job].discard(end)
            if not left[job]:
                ends.append(job)
    return left


def _turned(edges: Edges) -> Edges:
    """The same edges in the other direction."""
    turned: dict[str, set[str]] = {}
    for job, others in edges.items():
        for other in others:
            turned.setdefault(other, set()).add(job)
    return turned


def _path(edges: Edges, start: str, goal: str) -> list[str] | None:
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
