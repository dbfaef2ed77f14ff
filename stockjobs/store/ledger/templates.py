"""Templates and their versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import Connection, RowMapping, func, select, update

from stockjobs.domain.work.templates import Template
from stockjobs.errors import NotFound, SchemaMismatch
from stockjobs.store import tables
from stockjobs.store.statements import insert_if_absent

_templates = tables.templates


@dataclass(frozen=True)
class StoredTemplate:
    """A template as it stands: its current version, and who wrote it when."""

    template: Template
    version: int
    digest: str
    created_at: datetime
    created_by: str

    @property
    def name(self) -> str:
        """The template's name."""
        return self.template.name


def every(connection: Connection) -> Sequence[StoredTemplate]:
    """All templates in their current versions, by name."""
    newest = (
        select(_templates.c.name, func.max(_templates.c.version).label("version"))
        .where(_templates.c.deleted_at.is_(None))
        .group_by(_templates.c.name)
        .subquery()
    )
    is_newest = (_templates.c.name == newest.c.name) & (_templates.c.version == newest.c.version)
    query = select(_templates).join(newest, is_newest).order_by(_templates.c.name)
    return [_stored(row) for row in connection.execute(query).mappings()]


def find(connection: Connection, name: str) -> StoredTemplate | None:
    """The current version of the template of this name, if there is one."""
    query = (
        select(_templates)
        .where(_templates.c.name == name, _templates.c.deleted_at.is_(None))
        .order_by(_templates.c.version.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return _stored(row) if row else None


def get(connection: Connection, name: str) -> StoredTemplate:
    """The current version of the template of this name. Raises NotFound."""
    found = find(connection, name)
    if found is None:
        raise NotFound(f"there is no template {name!r}: `stockctl get templates` lists them")
    return found


def next_version(connection: Connection, name: str) -> int:
    """The number of a template's next version; a deleted template goes on counting where it stopped."""
    query = select(func.max(_templates.c.version)).where(_templates.c.name == name)
    return (connection.execute(query).scalar() or 0) + 1


def add(connection: Connection, new: StoredTemplate) -> bool:
    """Write a version. False if somebody else has just written one of that number."""
    row = {
        "name": new.name,
        "version": new.version,
        "document": new.template.document(),
        "digest": new.digest,
        "created_at": new.created_at,
        "created_by": new.created_by,
    }
    return insert_if_absent(connection, _templates, [row]) == 1


def delete(connection: Connection, name: str, now: datetime) -> bool:
    """Delete a template; its versions are kept, out of sight. False if there is none."""
    statement = update(_templates).where(_templates.c.name == name, _templates.c.deleted_at.is_(None))
    return connection.execute(statement.values(deleted_at=now)).rowcount > 0


def _stored(row: RowMapping) -> StoredTemplate:
    try:
        template = Template.model_validate(row["document"], by_alias=True, by_name=False, extra="ignore")
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        raise SchemaMismatch(
            f"template {row['name']!r} cannot be read ({place}: {problem['msg']}): update stockjobs"
        ) from error
    return StoredTemplate(template, row["version"], row["digest"], row["created_at"], row["created_by"])
