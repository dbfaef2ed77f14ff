"""The Dockerfile, as far as it can be judged without building it."""

from __future__ import annotations

import re
import tomllib
from pathlib import PurePosixPath

import pytest

from tests.integration.deploy.composefile import ROOT

LINES = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
COPIED = [line.split() for line in LINES if line.startswith("COPY") and "--from" not in line]
SOURCES = [part for words in COPIED for part in words[1:-1] if not part.startswith("--")]


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_copied_is_there_and_not_ignored(source: str) -> None:
    assert (ROOT / source).exists()
    assert f"!{source}" in (ROOT / ".dockerignore").read_text().splitlines()


def test_nothing_else_gets_into_the_build() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == set(SOURCES)


def test_every_package_of_the_project_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = [*project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"], project["project"]["readme"]]
    assert {*needed, *project["project"]["license-files"], "uv.lock"} <= set(SOURCES)


def test_it_installs_from_the_lock_without_what_tests_need() -> None:
    for line in (line for line in LINES if "uv sync" in line):
        assert {"--locked", "--no-dev"} <= set(line.split())


def test_the_image_has_a_versioned_base_and_no_build_tools() -> None:
    [base] = [line.partition("=")[2] for line in LINES if line.startswith("ARG PYTHON_IMAGE=")]
    assert re.fullmatch(r"python:3\.1\d-slim-\w+", base)
    final = LINES[max(index for index, line in enumerate(LINES) if line.startswith("FROM")) :]
    assert not re.search(r"\b(pip|uv|apt-get|gcc)\b", " ".join(final))


def test_the_image_runs_as_nobody_that_matters() -> None:
    assert [line for line in LINES if line.startswith("USER")] == ["USER 10001:10001"]


def test_the_health_check_is_where_compose_looks_for_it() -> None:
    [place] = [words[-1] for words in COPIED if "deploy/stockjobs-alive" in words]
    assert PurePosixPath(place) == PurePosixPath("/usr/local/bin/stockjobs-alive")
