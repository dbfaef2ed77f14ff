"""The generated pages are those that the source gives now."""

from __future__ import annotations

import pytest

from stockjobs.cli.root import VERBS
from tools import pages


@pytest.mark.parametrize("name", list(pages.PAGES))
def test_a_page_is_what_the_source_gives(name: str) -> None:
    stored = (pages.DOCS / name).read_text(encoding="utf-8")
    assert stored == pages.expected(name), "stale: run `python -m tools.pages`"


@pytest.mark.parametrize("name", VERBS)
def test_help_splits_no_word_at_its_hyphen_and_fits_a_small_terminal(name: str) -> None:
    lines = [line.rstrip() for line in pages.help_of(name, width=80).splitlines()]
    assert [line for line in lines if line.endswith("-")] == []
    # What an option takes stands in a line of its own, however long, as it cannot be broken.
    assert [line for line in lines if len(line) > 80 and not line.lstrip().startswith("-")] == []


@pytest.mark.parametrize("field", list(pages.fields_of_a_job()))
def test_every_field_of_a_job_has_its_row(field: str) -> None:
    assert f"\n| `{field}` |" in (pages.DOCS / "jobs.md").read_text(encoding="utf-8")
