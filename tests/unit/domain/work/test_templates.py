"""Templates: what is wrong with one, and the job that it gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.work.jobs import Manifest
from stockjobs.domain.work.templates import MAX_RENDERED, Template, render, sketch, unfilled
from stockjobs.errors import InvalidInput

MARKET = {"name": "market", "type": "string"}
SYMBOLS = {"name": "symbols", "type": "list"}
STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50)
BATCH = {"name": "batch", "type": "integer", "default": 20, "minimum": 1}


def template(*parameters: dict[str, Any], labels: dict[str, str] | None = None, **spec: Any) -> Template:
    """A template; without more, of a job that needs a market and symbols."""
    job = {
        "metadata": {"name": "bars-${market}", "labels": labels or {}},
        "spec": {"type": "marketdata", "symbols": "${symbols}", "batchSize": "${batch}", **spec},
    }
    return Template.model_validate(
        {
            "apiVersion": "stockjobs/v1",
            "kind": "Template",
            "metadata": {"name": "daily-bars"},
            "spec": {"parameters": parameters or (MARKET, SYMBOLS, BATCH), "job": job},
        }
    )


def told(one: Template) -> list[str]:
    return [f"{'.'.join(map(str, fault.path))}: {fault.message}" for fault in one.faults()]


def refusals(one: Template, **values: object) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        render(one, values)
    return [f"{problem.where}: {problem.message}" for problem in caught.value.problems]


def test_a_job_is_made_of_the_values_and_the_defaults() -> None:
    document = render(template(), {"market": "us", "symbols": ("AAPL", "MSFT")}, 3)
    assert document == {
        "apiVersion": "stockjobs/v1",
        "kind": "Job",
        "metadata": {
            "name": "bars-us",
            "labels": {"stockjobs/template": "daily-bars", "stockjobs/template-version": "3"},
        },
        "spec": {"type": "marketdata", "symbols": ["AAPL", "MSFT"], "batchSize": 20},
    }
    assert Manifest.model_validate(document).spec.batch_size == 20


def test_a_job_keeps_its_own_labels_beside_those_of_its_template() -> None:
    one = template(labels={"market": "${market}"})
    metadata = render(one, {"market": "us", "symbols": ["A"]})["metadata"]
    assert metadata == {"name": "bars-us", "labels": {"market": "us", "stockjobs/template": "daily-bars"}}


def test_rendering_leaves_the_template_as_it_was() -> None:
    one, again = template(), template()
    document = render(one, {"market": "us", "symbols": ["A"]})
    assert isinstance(document["spec"], dict)
    document["spec"]["symbols"] = ["changed"]
    assert one == again
    assert one.digest() == again.digest()


def test_a_value_that_looks_like_a_placeholder_is_not_looked_into() -> None:
    one = template(description="${market}")
    spec = render(one, {"market": "${batch}", "symbols": ["${market}"]})["spec"]
    assert isinstance(spec, dict)
    assert (spec["description"], spec["symbols"]) == ("${batch}", ["${market}"])


@given(st.lists(STORABLE, max_size=5), STORABLE)
def test_values_arrive_in_the_job_as_they_were_given(symbols: list[str], market: str) -> None:
    spec = render(template(displayName="${market}"), {"market": market, "symbols": symbols})["spec"]
    assert isinstance(spec, dict)
    assert (spec["displayName"], spec["symbols"]) == (market, symbols)


def test_all_that_is_wrong_with_the_values_is_told_at_once() -> None:
    assert refusals(template(), symbls=["A"], symbols=["A", 5], batch=0) == [
        "symbls: template 'daily-bars' has no such parameter",
        "market: needs a value",
        "symbols[1]: a text was expected, not 5",
        "batch: 0 is below the minimum",
    ]


def test_values_that_would_make_an_endless_job_are_refused() -> None:
    one = template(description="${market}" * 600)
    (only,) = refusals(one, market="x" * 2_000, symbols=["A"])
    assert only.startswith("daily-bars: the job would have 1,2")
    assert only.endswith(f"characters, at most {MAX_RENDERED:,} are allowed")


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ({"description": "${markt}"}, "spec.job.spec.description: ${markt} is not a parameter"),
        ({"tags": ["a", "${"]}, "spec.job.spec.tags.1: a placeholder has no name or no end"),
        ({"tags": ["${}"]}, "spec.job.spec.tags.0: a placeholder has no name or no end"),
        ({"retry": {"${market}": 1}}, "spec.job.spec.retry.${market}: the key '${market}' cannot be filled in"),
        ({"description": "a\0"}, "spec.job.spec.description: holds a NUL or half a character, which no database keeps"),
    ],
)
def test_a_text_that_cannot_be_filled_in_is_told(spec: dict[str, Any], fault: str) -> None:
    assert told(template(**spec)) == [fault]


def test_what_stands_for_itself_is_no_placeholder() -> None:
    assert told(template(description="$${markt} costs $5")) == []


def test_a_parameter_that_is_used_nowhere_is_told() -> None:
    assert told(template(MARKET, SYMBOLS, BATCH, {"name": "zone", "type": "string"})) == [
        "spec.parameters.3.name: parameter 'zone' is used nowhere"
    ]


def test_two_parameters_of_one_name_are_told() -> None:
    assert told(template(MARKET, SYMBOLS, BATCH, MARKET)) == [
        "spec.parameters.0.name: 2 parameters are called 'market'",
        "spec.parameters.3.name: 2 parameters are called 'market'",
    ]


def test_a_bad_default_is_told_where_it_stands() -> None:
    assert told(template(MARKET, SYMBOLS, {**BATCH, "default": 0})) == [
        "spec.parameters.2.default: 0 is below the minimum"
    ]


def test_what_is_not_known_yet_stays_in_a_sketch_and_is_named() -> None:
    one = template()
    assert one.defaults() == {"batch": 20}
    spec = sketch(one.job, one.defaults())["spec"]
    assert spec == {"type": "marketdata", "symbols": "${symbols}", "batchSize": 20}
    assert unfilled(one.job, one.defaults()) == [("metadata", "name"), ("spec", "symbols")]


def test_a_template_survives_being_stored_with_what_is_empty_in_it() -> None:
    one = template(MARKET, {**SYMBOLS, "default": []}, {"name": "batch", "type": "boolean", "default": False})
    again = Template.model_validate(one.document(), by_alias=True, by_name=False)
    assert again == one
    assert again.digest() == one.digest()


def test_the_digest_is_of_what_is_meant_not_of_the_order_of_its_keys() -> None:
    one, other = template(tags=["a"], timeout="PT1M"), template(timeout="PT1M", tags=["a"])
    assert one.digest() == other.digest()
    assert list(one.document()["spec"]["job"]["spec"]) == ["type", "symbols", "timeout", "batchSize", "tags"]
    assert one.digest() != template(tags=["b"], timeout="PT1M").digest()


def test_of_thousands_of_wrong_placeholders_the_first_are_told_one_by_one() -> None:
    found = told(template(tags=[f"${{unknown{number}}}" for number in range(20_000)]))
    assert len(found) == 51
    assert found[-1] == "spec.job: 19,950 placeholders more are no parameters"


def test_labels_that_are_none_are_left_for_the_check_of_the_job() -> None:
    one = template()
    one.spec.job.metadata["labels"] = "${market}"
    assert render(one, {"market": "us", "symbols": ["A"]})["metadata"] == {"name": "bars-us", "labels": "us"}
