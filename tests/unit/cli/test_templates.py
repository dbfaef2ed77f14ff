"""Templates from the command line: applying, listing, describing and deleting them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures.cli import Ctl, yaml_job

EXAMPLE = Path(__file__).parents[3] / "examples" / "templates" / "daily-bars.yaml"


def yaml_template(batch: int = 20) -> str:
    job = {
        "metadata": {"name": "bars-${market}"},
        "spec": {"type": "marketdata", "symbols": "${symbols}", "batchSize": "${batch}", "tags": ["x${note}"]},
    }
    parameters = [
        {"name": "market", "type": "string", "pattern": "[a-z]+", "description": "Where."},
        {"name": "symbols", "type": "list"},
        {"name": "batch", "type": "integer", "default": batch, "minimum": 1},
        {"name": "note", "type": "string", "default": ""},
    ]
    head = {"apiVersion": "stockjobs/v1", "kind": "Template", "metadata": {"name": "daily"}}
    return json.dumps({**head, "spec": {"parameters": parameters, "job": job}}) + "\n"


def test_a_template_is_applied_beside_jobs(ctl: Ctl) -> None:
    text = f"{yaml_job('SOLE')}---\n{yaml_template()}"
    assert ctl("apply", "-f", "-", stdin=text).stdout == "template/daily created\njob/SOLE created\n"
    assert ctl("apply", "-f", "-", stdin=text).stdout == "template/daily unchanged\njob/SOLE unchanged\n"
    assert ctl("apply", "-f", "-", stdin=yaml_template(5)).stdout == "template/daily configured\n"


def test_a_bad_template_keeps_the_jobs_beside_it_from_being_applied(ctl: Ctl) -> None:
    text = f"{yaml_job('SOLE')}---\n{yaml_template(0)}"
    told = "stockctl: stdin:3: spec.parameters[2].default: 0 is below the minimum (1 or more)"
    assert told in ctl("apply", "-f", "-", stdin=text, code=2).stderr
    assert ctl.container.reports.jobs() == []


def test_diff_shows_the_lines_of_a_template_that_would_change(ctl: Ctl) -> None:
    ctl("apply", "-f", "-", stdin=yaml_template())
    assert ctl("diff", "-f", "-", stdin=yaml_template()).stdout == ""
    shown = ctl("diff", "-f", "-", stdin=yaml_template(5), code=1).stdout.splitlines()
    assert shown[:2] == ["--- stored/template/daily", "+++ manifest/template/daily"]
    assert [line for line in shown[2:] if line[0] in "+-"] == ["-    default: 20", "+    default: 5"]


@pytest.mark.parametrize("noun", ["templates", "template"])
def test_templates_are_listed(ctl: Ctl, noun: str) -> None:
    ctl("apply", "-f", "-", stdin=yaml_template())
    titles, row = ctl.lines("get", noun)
    assert titles.split() == ["NAME", "VERSION", "PARAMETERS", "AGE", "DESCRIPTION"]
    assert row.split()[:3] == ["daily", "1", "market,symbols,batch,…"]
    assert ctl.lines("get", noun, "-o", "name") == ["template/daily"]
    assert ctl.json("get", noun, "daily")["status"]["version"] == 1


@pytest.mark.parametrize("text", [yaml_template(), EXAMPLE.read_text(encoding="utf-8")], ids=["small", "example"])
def test_what_is_listed_can_be_applied_again(ctl: Ctl, text: str) -> None:
    ctl("apply", "-f", "-", stdin=text)
    stored = ctl("get", "templates", "-o", "yaml").stdout
    assert ctl("apply", "-f", "-", stdin=stored).stdout.split()[1] == "unchanged"


def test_an_unknown_template_is_exit_code_3(ctl: Ctl) -> None:
    for arguments in (
        ("get", "template", "none"),
        ("describe", "template", "none"),
        ("delete", "template", "none"),
        ("render", "none"),
    ):
        assert ctl(*arguments, code=3).stderr.startswith("stockctl: there is no template 'none'")


def test_a_template_is_described_with_its_parameters(ctl: Ctl) -> None:
    ctl("apply", "-f", "-", stdin=yaml_template())
    shown = ctl.lines("describe", "template", "daily")
    assert shown[0].split() == ["Name:", "daily"]
    table = shown[shown.index("Parameters:") + 1 :]
    assert [line.split() for line in table] == [
        ["NAME", "TYPE", "DEFAULT", "ALLOWED", "DESCRIPTION"],
        ["market", "string", "required", "[a-z]+", "Where."],
        ["symbols", "list", "required", "any", "-"],
        ["batch", "integer", "20", "1", "or", "more", "-"],
        ["note", "string", "''", "any", "-"],
    ]


@pytest.mark.parametrize("arguments", [("template", "daily"), ("templates", "daily"), ("template/daily",)])
def test_a_template_is_deleted_and_its_jobs_stay(ctl: Ctl, arguments: tuple[str, ...]) -> None:
    ctl("apply", "-f", "-", stdin=yaml_template())
    ctl("render", "daily", "--set", "market=us", "--set", "symbols=AAPL", "--apply")
    assert ctl.lines("delete", *arguments) == ["template/daily deleted"]
    assert ctl.lines("get", "templates") == []
    assert ctl.lines("get", "jobs", "-o", "name") == ["job/bars-us"]


def test_several_kinds_are_deleted_together(ctl: Ctl) -> None:
    ctl("apply", "-f", "-", stdin=f"{yaml_job('SOLE')}---\n{yaml_template()}")
    assert ctl.lines("delete", "template/daily", "job/SOLE") == ["template/daily deleted", "job/SOLE deleted"]
