"""Applying manifests from the command line, and seeing what that would change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fixtures.cli import Ctl, yaml_job

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))


def test_a_job_is_created_then_unchanged_then_configured(ctl: Ctl) -> None:
    for spec, change in ({}, "created"), ({}, "unchanged"), ({"priority": "low"}, "configured"):
        assert ctl("apply", "-f", "-", stdin=yaml_job("DAILY", **spec)).stdout == f"job/DAILY {change}\n"


def test_a_dry_run_says_what_it_would_do_and_does_nothing(ctl: Ctl) -> None:
    assert ctl("apply", "-f", "-", "--dry-run", stdin=yaml_job("DAILY")).stdout == "job/DAILY created (dry run)\n"
    assert ctl.container.reports.jobs() == []
    assert ctl.lines("events") == []


def test_a_folder_is_applied_by_name_without_what_is_no_manifest(ctl: Ctl) -> None:
    folder = ctl.folder / "jobs"
    folder.mkdir()
    (folder / "b.yml").write_text(yaml_job("B"))
    (folder / "a.yaml").write_text(yaml_job("A"))
    (folder / "notes.txt").write_text("not a manifest")
    assert ctl.lines("apply", "-f", str(folder)) == ["job/A created", "job/B created"]


def test_several_files_are_applied_together_or_not_at_all(ctl: Ctl) -> None:
    (ctl.folder / "a.yaml").write_text(yaml_job("A"))
    (ctl.folder / "b.yaml").write_text("kind: Jobb\n")
    result = ctl("apply", "-f", "a.yaml", "-f", "b.yaml", code=2)
    assert "stockctl: b.yaml:1: kind: 'Jobb' is not known (it has to be 'Job' or 'Template')\n" in result.stderr
    assert result.stdout == ""
    assert ctl.container.reports.jobs() == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("missing.yaml", "stockctl: missing.yaml: cannot be read: No such file or directory"),
        ("empty", "stockctl: empty: has no manifests in it"),
    ],
)
def test_a_file_that_is_not_there_is_told(ctl: Ctl, name: str, told: str) -> None:
    (ctl.folder / "empty").mkdir()
    assert ctl("apply", "-f", name, code=2).stderr.startswith(told)


def test_diff_of_what_is_stored_is_silent(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    assert ctl("diff", "-f", "-", stdin=yaml_job("DAILY")).stdout == ""


def test_diff_shows_the_lines_that_would_change_and_exits_with_1(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    shown = ctl("diff", "-f", "-", stdin=yaml_job("DAILY", priority="low"), code=1).stdout.splitlines()
    assert shown[:2] == ["--- stored/DAILY", "+++ manifest/DAILY"]
    assert [line for line in shown[2:] if line[0] in "+-"] == ["-  priority: normal", "+  priority: low"]
    assert ctl.lines("diff", "-f", "-", code=2) == []


def test_diff_of_a_new_job_adds_all_of_it(ctl: Ctl) -> None:
    shown = ctl("diff", "-f", "-", stdin=yaml_job("DAILY"), code=1).stdout.splitlines()
    assert {line[0] for line in shown[3:]} == {"+"}
    assert ctl.container.reports.jobs() == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_applied_and_comes_back_unchanged(ctl: Ctl, path: Path) -> None:
    assert {line.split()[1] for line in ctl.lines("apply", "-f", str(path))} == {"created"}
    stored = ctl("get", "jobs", "-o", "yaml").stdout
    assert {line.split()[1] for line in ctl("apply", "-f", "-", stdin=stored).stdout.splitlines()} == {"unchanged"}


def test_the_manifest_of_the_page_about_dependencies_can_be_applied_alone(ctl: Ctl) -> None:
    page = (Path(__file__).parents[3] / "docs" / "dependencies.md").read_text(encoding="utf-8")
    (manifest,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert all(line.endswith(" created") for line in ctl("apply", "-f", "-", stdin=manifest).stdout.splitlines())
