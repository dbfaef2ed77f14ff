"""The page about validation: its table has every rule as it is, and its example can be applied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stockjobs.domain.events import EventName
from stockjobs.domain.market.findings import FindingState
from stockjobs.domain.market.validation.rules import RULES
from stockjobs.errors import InvalidInput
from stockjobs.services.documents import manifests

PAGE = (Path(__file__).parents[5] / "docs" / "validation.md").read_text()


def test_the_page_has_every_rule_as_it_is() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| ([a-z, ]+) \| (.+) \|$", PAGE, re.MULTILINE)
    fixed = {True: ", fixed", False: ""}
    assert rows == [(rule.name, f"{rule.severity}{fixed[rule.is_fixed]}", rule.reason) for rule in RULES.values()]


def test_the_page_has_every_state_and_event() -> None:
    assert re.findall(r"^\| ([a-z]+) \| ", PAGE, re.MULTILINE)[2:] == [state.value for state in FindingState]
    assert all(name.value in PAGE for name in (EventName.QUARANTINED, EventName.RELEASED, EventName.REJECTED))


def test_the_example_is_a_part_of_a_job() -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    head = "apiVersion: stockjobs/v1\nkind: Job\nmetadata: {name: A}\n"
    [job] = manifests.read(f"{head}{example}  type: marketdata\n  symbols: [AAPL]\n")
    assert job.spec.document()["validation"] == {"zero-volume": "off", "jump": "hold", "price-not-positive": "note"}


def test_a_rule_that_there_is_not_is_refused_where_it_stands() -> None:
    text = "apiVersion: stockjobs/v1\nkind: Job\nmetadata: {name: A}\nspec:\n  type: marketdata\n  validation:\n    spikes: off\n"
    with pytest.raises(
        InvalidInput, match=r"jobs.yaml:7: spec.validation.spikes: 'spikes' is not a rule \(did you mean spike\?\)"
    ):
        manifests.read(text, "jobs.yaml")
