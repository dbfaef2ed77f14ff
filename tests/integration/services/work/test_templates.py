"""Templates in the ledger, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from stockjobs.bootstrap import Container
from stockjobs.errors import Conflict, InvalidInput, NotFound
from stockjobs.services.documents.manifests import Manifests, dump, read_all
from stockjobs.services.work.administration import Change
from stockjobs.services.work.templates import Templates
from stockjobs.settings import Settings
from tests.fixtures.database import NOON, ManualClock
from tests.integration.services.work.test_races import at_once

pytestmark = pytest.mark.integration

TEMPLATE = """
apiVersion: stockjobs/v1
kind: Template
metadata: {name: NAME, labels: {set: "", tier: a}}
spec:
  parameters:
  - {name: market, type: string}
  - {name: symbols, type: list}
  - {name: note, type: string, default: ""}
  - {name: batch, type: integer, default: 20}
  job:
    metadata: {name: "bars-${market}"}
    spec:
      type: marketdata
      symbols: ${symbols}
      batchSize: ${batch}
      description: ${note}
      displayName: ""
"""
JOB = "---\napiVersion: stockjobs/v1\nkind: Job\nmetadata: {name: SOLE}\nspec: {type: marketdata, symbols: [A]}\n"


def manifests(*names: str, also: str = "", **changes: str) -> Manifests:
    text = "---".join(TEMPLATE.replace("NAME", name) for name in names) + also
    for old, new in changes.items():
        text = text.replace(f"{old}: 20", f"{old}: {new}")
    return read_all([("templates.yaml", text)])


@pytest.fixture
def container(database_url: str, clock: ManualClock) -> Iterator[Container]:
    found = Container(Settings(database_url=database_url), clock=clock)
    yield found
    found.close()


@pytest.fixture
def templates(container: Container) -> Templates:
    return container.templates


def apply(templates: Templates, found: Manifests) -> list[tuple[str, Change]]:
    return [(one.after.name, one.change) for one in templates.apply(found, by="test")]


def test_a_template_is_created_then_unchanged_then_configured(templates: Templates, clock: ManualClock) -> None:
    assert apply(templates, manifests("daily")) == [("daily", Change.CREATED)]
    clock.advance(timedelta(hours=1))
    assert apply(templates, manifests("daily")) == [("daily", Change.UNCHANGED)]
    stored = templates.get("daily")
    assert (stored.version, stored.created_at, stored.created_by) == (1, NOON, "test")
    assert apply(templates, manifests("daily", default="30")) == [("daily", Change.CONFIGURED)]
    assert templates.get("daily").version == 2
    assert [one.name for one in templates.every()] == ["daily"]


def test_what_is_stored_is_what_was_written(templates: Templates) -> None:
    found = manifests("daily")
    apply(templates, found)
    stored = templates.get("daily").template
    assert stored == found.templates[0]
    (again,) = read_all([("again", dump(stored.document()))]).templates
    assert again.digest() == stored.digest()


def test_a_job_knows_the_version_that_it_was_made_from(templates: Templates) -> None:
    apply(templates, manifests("daily"))
    apply(templates, manifests("daily", default="30"))
    rendered = templates.render("daily", {"market": "us", "symbols": ["AAPL"]})
    assert rendered.manifest.metadata.labels == {
        "stockjobs/template": "daily",
        "stockjobs/template-version": "2",
    }
    assert rendered.manifest.spec.batch_size == 30


def test_a_refused_job_keeps_its_template_from_being_stored(templates: Templates, container: Container) -> None:
    without_symbols = JOB.replace(", symbols: [A]", "")
    with pytest.raises(InvalidInput, match="names no symbols"):
        templates.apply(manifests("daily", also=without_symbols), by="test")
    assert templates.every() == []
    assert apply(templates, manifests("daily", also=JOB)) == [("daily", Change.CREATED), ("SOLE", Change.CREATED)]
    assert [one.job.name for one in container.reports.jobs()] == ["SOLE"]


def test_a_dry_run_stores_nothing(templates: Templates) -> None:
    (applied,) = templates.apply(manifests("daily"), by="test", dry_run=True)
    assert applied.change is Change.CREATED
    assert templates.every() == []


def test_a_deleted_template_is_gone_its_jobs_stay_and_its_versions_go_on(
    templates: Templates, container: Container
) -> None:
    apply(templates, manifests("daily", "weekly"))
    job = templates.render("daily", {"market": "us", "symbols": ["AAPL"]}).manifest
    container.administration.apply([job], by="test")
    templates.delete("daily")
    assert [one.name for one in templates.every()] == ["weekly"]
    for deed in (lambda: templates.get("daily"), lambda: templates.delete("daily")):
        with pytest.raises(NotFound, match="there is no template 'daily'"):
            deed()
    assert container.reports.job("bars-us").job.labels["stockjobs/template"] == "daily"
    assert apply(templates, manifests("daily")) == [("daily", Change.CREATED)]
    assert templates.get("daily").version == 2


@pytest.mark.parametrize("attempt", range(3))
def test_of_several_who_apply_the_same_at_once_one_creates_it(templates: Templates, attempt: int) -> None:
    found = manifests("b", "a")
    answers = at_once(*[lambda: apply(templates, found)] * 4)
    assert sorted(map(str, answers)) == sorted(
        map(
            str,
            [[("b", Change.CREATED), ("a", Change.CREATED)], *[[("b", Change.UNCHANGED), ("a", Change.UNCHANGED)]] * 3],
        )
    )
    assert [one.version for one in templates.every()] == [1, 1]


@pytest.mark.parametrize("attempt", range(3))
def test_of_several_who_apply_different_ones_at_once_none_is_lost_silently(templates: Templates, attempt: int) -> None:
    different = [manifests("daily", default=str(batch)) for batch in (1, 2, 3)]
    answers = at_once(*[lambda found=found: apply(templates, found) for found in different])
    written = sum(not isinstance(answer, Exception) for answer in answers)
    assert all(isinstance(answer, list | Conflict) for answer in answers)
    assert templates.get("daily").version == written
