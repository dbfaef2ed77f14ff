"""The schema, on both databases."""

from importlib.resources import files

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from stockjobs.errors import SchemaMismatch
from stockjobs.store import revisions, schema
from stockjobs.store.database import Database
from stockjobs.store.tables import metadata


def test_migrations_lead_to_exactly_the_tables_of_the_code(database: Database) -> None:
    with database.begin() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)
    assert differences == []


def test_migrating_down_removes_everything_and_up_again_restores_it(database: Database) -> None:
    schema.downgrade(database, "base")
    with database.read() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    schema.upgrade(database)
    revisions.check(database)


def test_the_known_revisions_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(files("stockjobs.store") / "migrations"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == revisions.KNOWN


def test_an_empty_database_is_refused_with_the_cure(empty_database_url: str) -> None:
    empty = Database(empty_database_url)
    with pytest.raises(SchemaMismatch, match=r"has no tables yet.*stockctl db upgrade"):
        revisions.check(empty)
    empty.dispose()


def test_a_newer_database_is_refused_and_left_alone(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for attempt in (revisions.check, schema.upgrade):
        with pytest.raises(SchemaMismatch, match=r"9999.*update stockjobs"):
            attempt(database)
