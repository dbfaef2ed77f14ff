"""Who owns a table or a view, and what others may do with it: so that one made anew is as the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy import exc as sql

from stockjobs.errors import InvalidInput


@dataclass(frozen=True)
class Rights:
    """Who owns a table or view, and the rights of others as statements that give them."""

    name: str
    owner: str
    grants: Sequence[str]


def of(connection: Connection, name: str) -> Rights:
    """The rights on a table or view."""
    query = text("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = CAST(:name AS regclass)")
    return Rights(name, connection.execute(query, {"name": name}).scalar_one(), _grants(connection, name))


def stay_beside(connection: Connection, name: str) -> None:
    """Until the transaction ends, find and make tables in the schema of this one, whatever user that is done as."""
    # The first schema of a path may have the name of its user, and then each owner would have his own.
    path = text("""
        SELECT set_config('search_path', string_agg(quote_ident(schema), ', ' ORDER BY place), true)
        FROM pg_class, unnest(relnamespace::regnamespace::text || current_schemas(false)::text[])
            WITH ORDINALITY AS found (schema, place)
        WHERE oid = CAST(:name AS regclass)""")
    connection.execute(path, {"name": name})


def become(connection: Connection, rights: Rights) -> None:
    """Go on as the owner of a table or view until the transaction ends, or this is called again. Raises InvalidInput."""
    user = connection.execute(text("SELECT SESSION_USER")).scalar_one()
    try:
        connection.execute(text("SELECT set_config('role', :owner, true)"), {"owner": rights.owner})
    except sql.DatabaseError as error:
        if not isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
            raise
        hint = f"connect as {rights.owner}, or as a member of it"
        raise InvalidInput.because("db storage", f"{user} does not own {rights.name}", hint) from None


def check_making(connection: Connection) -> None:
    """Refuse where who this goes on as may make no tables. Raises InvalidInput."""
    query = text("SELECT CURRENT_USER, current_schema WHERE NOT has_schema_privilege(current_schema, 'CREATE')")
    if (barred := connection.execute(query).first()) is not None:
        user, schema = barred
        hint = f"run `GRANT CREATE ON SCHEMA {schema} TO {user}` as its owner"
        raise InvalidInput.because("db storage", f"{user} may not make tables in the schema {schema}", hint)


def _grants(connection: Connection, name: str) -> list[str]:
    query = text(f"""
        SELECT format('GRANT %s ON {name} TO %s%s', privilege_type,
                      CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
                      CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM pg_class, aclexplode(relacl) WHERE oid = '{name}'::regclass AND grantee <> relowner""")
    return list(connection.execute(query).scalars())
