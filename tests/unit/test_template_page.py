"""The page about templates says what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stockjobs.domain.work.parameters import Parameter
from stockjobs.services.documents.manifests import read_all
from stockjobs.services.work.templates import render

PAGE = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("field", Parameter.model_fields)
def test_every_field_of_a_parameter_has_its_row(field: str) -> None:
    assert f"\n| `{field}` |" in PAGE


def test_the_template_on_the_page_is_one() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    example = (Path(__file__).parents[2] / "examples" / "templates" / "daily-bars.yaml").read_text(encoding="utf-8")
    assert example.endswith(f"\n{text}")
    (template,) = read_all([("page", text)]).templates
    job = render(template, {"market": "us", "symbols": ["AAPL"], "hour": 20}).manifest
    assert (job.metadata.name, job.spec.schedule.cron) == ("bars-us", "0 20 * * MON-FRI")
