"""Edges: which jobs wait for which, checked and kept as jobs are defined and deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from stockjobs.domain import ids
from stockjobs.domain.work.dependencies import circles
from stockjobs.domain.work.jobs import Dependency, Manifest
from stockjobs.errors import Conflict, InvalidInput, Problem
from stockjobs.store.database import Connection
from stockjobs.store.ledger import dependencies
from stockjobs.store.ledger.definitions import Job


def check(connection: Connection, manifests: Sequence[Manifest]) -> None:
    """Raise InvalidInput if a job would wait for one that there is not, for itself, or for each other in a circle.

    Nobody else changes what jobs wait for until the transaction ends.
    """
    wanted = {manifest.metadata.name: manifest.spec.depends_on for manifest in manifests}
    if not any(wanted.values()):
        return
    hold(connection)
    known = {*wanted, *dependencies.job_names(connection)}
    problems = [problem for name, depends_on in wanted.items() for problem in _problems(name, depends_on, known)]
    if problems:
        raise InvalidInput(*problems)
    _refuse_circles(connection, wanted)


def _problems(name: str, depends_on: Sequence[Dependency], known: set[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, one in enumerate(depends_on):
        where = f"{name}: spec.dependsOn[{number}].job"
        if one.job == name:
            yield Problem(where, f"{name} depends on itself: {name} → {name}", "name another job, or none")
        elif one.job not in known:
            near = get_close_matches(one.job, known - {name}, 1)
            hint = f"did you mean {near[0]}?" if near else "apply that job first, or together with this one"
            yield Problem(where, f"there is no job {one.job!r}", hint)
        elif one.job in seen:
            yield Problem(where, f"{one.job!r} is named twice", "name it once")
        seen.add(one.job)


def _refuse_circles(connection: Connection, wanted: Mapping[str, Sequence[Dependency]]) -> None:
    edges = {
        **dependencies.edges(connection),
        **{name: {one.job for one in depends_on} for name, depends_on in wanted.items()},
    }
    found = circles(edges, [name for name, depends_on in wanted.items() if depends_on])
    if found:
        raise InvalidInput(
            *(
                Problem(
                    f"{circle[0]}: spec.dependsOn",
                    f"these jobs would wait for each other for ever: {' → '.join(circle)}",
                    "take one of them out",
                )
                for circle in found
            )
        )


def hold(connection: Connection) -> None:
    """Let nobody else change what jobs wait for before the transaction ends; first of all, so that nobody waits in a circle."""
    dependencies.hold_edges(connection)


def keep(connection: Connection, before: Job | None, after: Job) -> None:
    """Write down for which jobs a job waits, once all jobs that are applied together are there."""
    if after.spec.depends_on or (before and before.spec.depends_on):
        dependencies.put_edges(connection, after.id, [ids.job_id(one.job) for one in after.spec.depends_on])


def drop(connection: Connection, job: Job) -> None:
    """Let a job that is deleted wait for none. Raises Conflict if others wait for it."""
    dependents = dependencies.dependents(connection, job.id)
    if dependents:
        names = ", ".join(map(repr, dependents))
        raise Conflict(
            f"job {job.name!r} cannot be deleted, because {names} depend{'s' if len(dependents) == 1 else ''} on it: "
            "delete those first, or take it out of their dependsOn"
        )
    dependencies.put_edges(connection, job.id, [])
