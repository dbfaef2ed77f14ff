"""Templates: defining them, beside jobs or alone, and rendering them into jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from stockjobs.domain.places import Fault, shown_path
from stockjobs.domain.work import templates as rules
from stockjobs.domain.work.jobs import Manifest
from stockjobs.domain.work.placeholders import Json
from stockjobs.domain.work.templates import Template
from stockjobs.errors import Conflict, InvalidInput, Problem
from stockjobs.services.documents.checks import check_job
from stockjobs.services.documents.manifests import Manifests
from stockjobs.services.repetition import taken_twice_if_busy
from stockjobs.services.work.administration import Administration, Applied, Change
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import templates
from stockjobs.store.ledger.templates import StoredTemplate


@dataclass(frozen=True)
class AppliedTemplate:
    """A template after it was applied (or as it would be), and as it was before."""

    change: Change
    before: StoredTemplate | None
    after: StoredTemplate


@dataclass(frozen=True)
class Rendered:
    """The job that a template gives: as it is written, without what nobody said, and as it is understood."""

    document: dict[str, Json]
    manifest: Manifest


class Templates:
    """Keeps templates, and makes jobs from them."""

    def __init__(self, database: Database, administration: Administration) -> None:
        self._database = database
        self._administration = administration

    @taken_twice_if_busy
    def apply(self, found: Manifests, *, by: str, dry_run: bool = False) -> list[AppliedTemplate | Applied]:
        """Make the templates and the jobs as files say, all of them or none. Applying the same again changes nothing.

        Raises what `Administration.apply` raises.
        """
        self._administration.read_calendars(found.jobs)
        with self._database.begin() as connection:
            now = self._database.now(connection)
            by_name = sorted(found.templates, key=lambda template: template.name)
            applied = {one.name: _apply(connection, one, by, now) for one in by_name}
            jobs = self._administration.apply_in(connection, found.jobs, by=by)
            if dry_run:
                connection.rollback()
        return [*(applied[template.name] for template in found.templates), *jobs]

    def every(self) -> Sequence[StoredTemplate]:
        """All templates, by name."""
        with self._database.read() as connection:
            return templates.every(connection)

    def get(self, name: str) -> StoredTemplate:
        """One template. Raises NotFound."""
        with self._database.read() as connection:
            return templates.get(connection, name)

    def render(self, name: str, values: Mapping[str, object]) -> Rendered:
        """The job that a template gives with these values; nothing is written. Raises NotFound, or InvalidInput."""
        stored = self.get(name)
        return render(stored.template, values, stored.version)

    @taken_twice_if_busy
    def delete(self, name: str) -> StoredTemplate:
        """Delete a template; the jobs that were made from it stay. Raises NotFound."""
        with self._database.begin() as connection:
            stored = templates.get(connection, name)
            templates.delete(connection, name, self._database.now(connection))
        return stored


def render(
    template: Template,
    values: Mapping[str, object],
    version: int | None = None,
    located: Callable[[Template, Fault], Problem] | None = None,
) -> Rendered:
    """The job that a template gives with these values. `located` says where in its file a template's fault stands.

    Raises InvalidInput: with what is wrong with the values, each at its parameter's name, or with the job that they give, each at
    its place in the template.
    """
    document = rules.render(template, values, version)
    manifest, faults = check_job(document)
    if manifest is None:
        raise InvalidInput(*((located or _without_file)(template, fault.under(rules.JOB)) for fault in faults))
    return Rendered(document, manifest)


def _without_file(template: Template, fault: Fault) -> Problem:
    return Problem(f"template/{template.name}: {shown_path(fault.path)}", fault.message, fault.hint)


def _apply(connection: Connection, template: Template, by: str, now: datetime) -> AppliedTemplate:
    # Before looking: what somebody else writes after that takes this number, so that ours cannot come on top of it unseen.
    version = templates.next_version(connection, template.name)
    before = templates.find(connection, template.name)
    digest = template.digest()
    if before is not None and before.digest == digest:
        return AppliedTemplate(Change.UNCHANGED, before, before)
    after = StoredTemplate(template, version, digest, now, by)
    if templates.add(connection, after):
        return AppliedTemplate(Change.CONFIGURED if before else Change.CREATED, before, after)
    other = templates.find(connection, template.name)
    if other is None or other.digest != digest:
        raise Conflict(f"template {template.name!r} was changed by somebody else just now: look at it and apply again")
    return AppliedTemplate(Change.UNCHANGED, other, other)
