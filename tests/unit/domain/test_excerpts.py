"""What a refusal shows of what was refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from stockjobs.domain.excerpts import excerpt, shown
from stockjobs.domain.work.jobs import JobSpec, check_name
from stockjobs.errors import InvalidInput


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nb", "'a\\nb'"),
        (True, "true"),
        (None, "nothing"),
        (2.5, "2.5"),
        (10**4_000, "a huge number"),
        ("x" * 41, f"'{'x' * 30}…'"),
    ],
)
def test_a_value_is_shown_as_it_would_be_written(value: object, text: str) -> None:
    assert shown(value) == text


def test_what_is_long_is_shortened() -> None:
    assert len(excerpt("x" * 5_000)) < 50
    assert len(shown(["x"] * 5_000)) < 50


@pytest.mark.parametrize("given", ["9" * 5_000, 10**4_000, [1] * 5_000])
@pytest.mark.parametrize("field", ["priority", "type", "timeout", "symbols"])
def test_a_refused_field_shows_the_beginning_of_what_is_endless(field: str, given: object) -> None:
    value = [given] if field == "symbols" else given
    with pytest.raises(ValidationError) as caught:
        JobSpec.model_validate({"type": "marketdata", "symbols": ["A"], field: value})
    assert max(len(detail["msg"]) for detail in caught.value.errors()) < 200


def test_a_refused_name_shows_its_beginning() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_name("x" * 5_000)
    assert len(str(caught.value)) < 200
