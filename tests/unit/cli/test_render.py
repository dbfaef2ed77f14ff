"""Rendering templates from the command line."""

from __future__ import annotations

import pytest

from tests.fixtures.cli import Ctl
from tests.unit.cli.test_templates import yaml_template

SYMBOLS = ("--set", "symbols=AAPL, MSFT")
US = ("--set", "market=us", *SYMBOLS)


@pytest.fixture
def stored(ctl: Ctl) -> Ctl:
    ctl("apply", "-f", "-", stdin=yaml_template())
    return ctl


def test_the_job_is_shown_and_not_made(stored: Ctl) -> None:
    assert stored.lines("render", "daily", *US) == [
        "apiVersion: stockjobs/v1",
        "kind: Job",
        "metadata:",
        "  name: bars-us",
        "  labels:",
        "    stockjobs/template: daily",
        "    stockjobs/template-version: '1'",
        "spec:",
        "  type: marketdata",
        "  symbols:",
        "  - AAPL",
        "  - MSFT",
        "  batchSize: 20",
        "  tags:",
        "  - x",
    ]
    assert stored.container.reports.jobs() == []


def test_what_is_shown_can_be_applied(stored: Ctl) -> None:
    shown = stored("render", "template/daily", *US).stdout
    assert stored("apply", "-f", "-", stdin=shown).stdout == "job/bars-us created\n"
    assert stored.lines("render", "daily", *US, "--apply") == ["job/bars-us unchanged"]
    selected = ("get", "jobs", "-o", "name", "-l", "stockjobs/template=daily,stockjobs/template-version=1")
    assert stored.lines(*selected) == ["job/bars-us"]


def test_applying_shows_what_it_changed(stored: Ctl) -> None:
    first = stored.lines("render", "daily", *US, "--apply")
    assert first[:2] == ["--- stored/bars-us", "+++ manifest/bars-us"]
    assert first[-1] == "job/bars-us created"
    second = stored.lines("render", "daily", *US, "--set", "batch=5", "--apply")
    assert [line for line in second[2:] if line[0] in "+-"] == ["-  batchSize: 20", "+  batchSize: 5"]
    assert second[-1] == "job/bars-us configured"


def test_a_disabled_job_stays_disabled(stored: Ctl) -> None:
    stored("render", "daily", *US, "--apply")
    stored("disable", "bars-us")
    stored("render", "daily", *US, "--set", "batch=5", "--apply")
    assert not stored.container.reports.job("bars-us").job.enabled


def test_values_come_from_a_file_and_those_that_are_typed_go_before_them(stored: Ctl) -> None:
    (stored.folder / "us.yaml").write_text("market: us\nsymbols: [ON, 0123]\nbatch: 7\n")
    shown = stored.lines("render", "daily", "--values", "us.yaml", "--set", "market=eu")
    assert "  name: bars-eu" in shown
    assert shown[-6:-2] == ["  symbols:", "  - ON", "  - '0123'", "  batchSize: 7"]
    assert stored("render", "daily", "--values", "-", stdin="market: us\nsymbols: [A]\n").stdout


def test_all_that_is_wrong_is_told_where_it_was_given(stored: Ctl) -> None:
    (stored.folder / "us.yaml").write_text("symbols:\n- A\n- [B]\nmarkt: us\n")
    told = stored("render", "daily", "--values", "us.yaml", "--set", "batch=many", code=2).stderr.splitlines()
    assert told == [
        "stockctl: us.yaml:4: markt: template 'daily' has no such parameter (did you mean market?)",
        "stockctl: market: needs a value (it is a string: Where.)",
        "stockctl: us.yaml:1: symbols[1]: a text was expected, not ['B'] (put it in quotes)",
        "stockctl: --set batch: a whole number was expected, not 'many' (such as 5)",
    ]


def test_a_job_that_cannot_be_is_told_at_its_place_in_the_template(stored: Ctl) -> None:
    bad = ("--set", "market=us", "--set", "symbols=AAPL,a/b")
    assert stored("render", "daily", *bad, code=2).stderr.startswith(
        "stockctl: template/daily: spec.job.spec.symbols[1]: 'a/b' is a path"
    )
    (stored.folder / "t.yaml").write_text(yaml_template())
    assert stored("render", "-f", "t.yaml", *bad, code=2).stderr.startswith(
        "stockctl: t.yaml:1: spec.job.spec.symbols[1]: 'a/b' is a path"
    )


def test_a_template_of_a_file_is_rendered_without_being_stored(ctl: Ctl) -> None:
    for name in ((), ("daily",)):
        shown = ctl("render", *name, "-f", "-", *US, stdin=yaml_template()).stdout
        assert "stockjobs/template: daily" in shown
        assert "template-version" not in shown
    assert ctl.container.templates.every() == []


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "render: which template is meant was not said"),
        (("other", "-f", "-"), 3, "there is no template 'other' in the file: there is daily"),
        (("daily", "--set", "market"), 2, "--set: 'market' is not NAME=VALUE (such as --set market=us)"),
        (("daily", "--set", "market=us", "--set", "market=eu"), 2, "--set: 'market' is given twice"),
        (("daily", "--values", "none.yaml"), 2, "none.yaml: cannot be read: No such file or directory"),
        (("daily", "--values", "-"), 2, "stdin: is not one mapping of values"),
    ],
)
def test_what_cannot_be_understood_is_told(stored: Ctl, arguments: tuple[str, ...], code: int, told: str) -> None:
    stdin = yaml_template() if "-f" in arguments else ""
    assert stored("render", *arguments, stdin=stdin, code=code).stderr.startswith(f"stockctl: {told}")


def test_of_several_templates_one_has_to_be_named(ctl: Ctl) -> None:
    several = f"{yaml_template()}---\n{yaml_template().replace('daily', 'weekly')}"
    assert "(one of daily, weekly)" in ctl("render", "-f", "-", stdin=several, code=2).stderr
    assert ctl("render", "weekly", "-f", "-", *US, stdin=several).stdout


def test_a_file_of_jobs_is_no_file_of_templates(ctl: Ctl) -> None:
    job = "apiVersion: stockjobs/v1\nkind: Job\nmetadata: {name: a}\nspec: {type: marketdata, symbols: [A]}\n"
    assert "-: holds no templates" in ctl("render", "-f", "-", stdin=job, code=2).stderr
