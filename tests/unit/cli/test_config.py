"""The settings as a command lists them, and the database as it is checked."""

from __future__ import annotations

import pytest

from stockjobs.settings import Settings
from tests.fixtures.cli import Ctl


def test_every_setting_is_listed_with_where_it_comes_from(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKJOBS_LEASE", "45")
    (ctl.folder / "stockjobs.toml").write_text("lane_window = 100\n")
    found = {setting["name"]: setting for setting in ctl.json("config")}
    assert set(found) == set(Settings.model_fields)
    assert (found["lease"]["value"], found["lease"]["unit"], found["lease"]["origin"]) == (
        45.0,
        "s",
        "environment STOCKJOBS_LEASE",
    )
    assert found["lane_window"]["origin"] == "file stockjobs.toml"
    assert found["beat_interval"]["origin"] == "default"


@pytest.mark.parametrize("output", ["table", "wide", "json"])
def test_no_password_is_shown(ctl: Ctl, output: str) -> None:
    urls = ("--database-url", "postgresql://me:s3cr3t@host/x", "--redis-url", "redis://:s3cr3t@host/0")
    shown = ctl(*urls, "config", "-o", output).stdout
    assert "s3cr3t" not in shown
    assert "postgresql://me:***@host/x" in shown


def test_a_bad_setting_is_told_with_its_variable(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKJOBS_LEASE", "-1")
    assert ctl("config", code=2).stderr.startswith("stockctl: STOCKJOBS_LEASE (lease): ")


@pytest.mark.parametrize(
    ("url", "code", "told"),
    [
        ("nonsense-s3cr3t", 2, "DATABASE_URL: has no scheme"),
        ("mysql://me:s3cr3t@host/x", 2, "mysql:// is not a database that stockjobs knows"),
        ("postgresql://me:s3cr3t@127.0.0.1:1/x", 6, "database postgresql+psycopg://me:***@127.0.0.1:1/x: "),
        ("sqlite:////proc/no/x.db", 2, "DATABASE_URL: the folder /proc/no cannot be made"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_sentence_without_the_password(
    ctl: Ctl, url: str, code: int, told: str
) -> None:
    result = ctl("--database-url", url, "get", "jobs", code=code)
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "s3cr3t" not in result.stderr


def test_the_schema_is_checked_and_migrated(ctl: Ctl) -> None:
    url = f"sqlite:///{ctl.folder}/new.db"
    assert "the database has no tables yet" in ctl("--database-url", url, "db", "check", code=2).stderr
    assert ctl("--database-url", url, "db", "upgrade").stdout == ctl("--database-url", url, "db", "upgrade").stdout
    assert "as this program needs it" in ctl("--database-url", url, "db", "check").stdout


def test_a_downgrade_wants_a_yes(ctl: Ctl) -> None:
    assert "may lose data" in ctl("db", "downgrade", "base", code=2).stderr
    ctl("db", "check")
    ctl("db", "downgrade", "base", "--yes")
    ctl("db", "check", code=2)


@pytest.mark.parametrize(("verb", "code"), [(("upgrade", "9999"), 2), (("downgrade", "9999", "--yes"), 2)])
def test_an_unknown_revision_is_told(ctl: Ctl, verb: tuple[str, ...], code: int) -> None:
    assert "9999" in ctl("db", *verb, code=code).stderr
