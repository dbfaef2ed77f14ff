"""Parameters: what each type takes, and what is told of the rest."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from stockjobs.domain.work.parameters import MAX_CHARACTERS, MAX_ITEMS, Parameter


def parameter(kind: str, **fields: Any) -> Parameter:
    return Parameter.model_validate({"name": "p", "type": kind, **fields})


def told(found: Any) -> list[str]:
    return [f"{fault.path}: {fault.message}" for fault in found]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", ""),
        ("string", "x" * MAX_CHARACTERS),
        ("integer", -5),
        ("integer", 2**62),
        ("number", 5),
        ("number", 1.5),
        ("boolean", False),
        ("list", []),
        ("list", ["A", "B"]),
        ("list", ("A",)),
    ],
)
def test_a_value_of_the_type_is_taken(kind: str, value: object) -> None:
    assert told(parameter(kind).faults_of(value)) == []
    assert parameter(kind, default=value).has_default
    assert told(parameter(kind, default=value).faults()) == []


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("string", 5, "(): a text was expected, not 5"),
        ("string", ["a"], "(): a text was expected, not ['a']"),
        ("string", None, "(): a text was expected, not nothing"),
        ("string", "x" * (MAX_CHARACTERS + 1), "(): has 2,001 characters, at most 2,000 are allowed"),
        ("string", "a\0", "(): holds a NUL or half a character, which no database keeps"),
        ("string", "\ud800", "(): holds a NUL or half a character, which no database keeps"),
        ("integer", True, "(): a whole number was expected, not true"),
        ("integer", 1.0, "(): a whole number was expected, not 1.0"),
        ("integer", "5", "(): a whole number was expected, not '5'"),
        ("integer", 10**1_000, "(): a whole number was expected, not a huge number"),
        ("number", float("nan"), "(): a number was expected, not nan"),
        ("number", float("inf"), "(): a number was expected, not inf"),
        ("number", 1e300, "(): a number was expected, not 1e+300"),
        ("boolean", 1, "(): true or false was expected, not 1"),
        ("boolean", "true", "(): true or false was expected, not 'true'"),
        ("list", "A", "(): a list of texts was expected, not 'A'"),
        ("list", {"A": 1}, "(): a list of texts was expected, not {'A': 1}"),
        ("list", ["A", 5], "(1,): a text was expected, not 5"),
        ("list", [["A"]], "(0,): a text was expected, not ['A']"),
        ("list", ["A"] * (MAX_ITEMS + 1), "(): has 10001 entries, at most 10,000 are allowed"),
    ],
)
def test_a_value_of_another_type_is_told(kind: str, value: object, message: str) -> None:
    assert told(parameter(kind).faults_of(value)) == [message]


@pytest.mark.parametrize(
    ("fields", "value", "message"),
    [
        ({"type": "string", "choices": ["1d", "1h"]}, "5m", "(): '5m' is not a choice"),
        ({"type": "list", "choices": ["A", "B"]}, ["A", "C"], "(1,): 'C' is not a choice"),
        ({"type": "integer", "choices": [1, 2]}, 3, "(): 3 is not a choice"),
        ({"type": "integer", "minimum": 1}, 0, "(): 0 is below the minimum"),
        ({"type": "number", "maximum": 1.5}, 2, "(): 2 is above the maximum"),
        ({"type": "string", "pattern": "[a-z]+"}, "US", "(): 'US' does not match '[a-z]+'"),
        ({"type": "list", "pattern": "[A-Z]+"}, ["A", "b"], "(1,): 'b' does not match '[A-Z]+'"),
    ],
)
def test_a_value_beyond_the_limits_is_told(fields: dict[str, Any], value: object, message: str) -> None:
    one = parameter(fields.pop("type"), **fields)
    assert told(one.faults()) == []
    assert told(one.faults_of(value)) == [message]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "integer", "default": "many"}, "('default',): a whole number was expected, not 'many'"),
        ({"type": "string", "default": None}, "('default',): is empty"),
        ({"type": "list", "default": ["A", 1]}, "('default', 1): a text was expected, not 1"),
        ({"type": "integer", "default": 9, "maximum": 5}, "('default',): 9 is above the maximum"),
        ({"type": "integer", "minimum": 5, "maximum": 2}, "('minimum',): 5 is above the maximum 2"),
        ({"type": "string", "minimum": 5}, "('minimum',): does not go with type string"),
        ({"type": "list", "maximum": 5}, "('maximum',): does not go with type list"),
        ({"type": "integer", "pattern": "a"}, "('pattern',): does not go with type integer"),
        ({"type": "string", "pattern": "(a"}, "('pattern',): '(a' is not a pattern: unclosed group"),
        ({"type": "boolean", "choices": [True]}, "('choices',): does not go with type boolean"),
        ({"type": "integer", "choices": [1, "2"]}, "('choices', 1): a whole number was expected, not '2'"),
        ({"type": "list", "choices": [["A"]]}, "('choices', 0): a text was expected, not ['A']"),
        ({"type": "string", "choices": ["a", "b", "a"]}, "('choices', 2): 'a' is named twice"),
    ],
)
def test_a_definition_that_makes_no_sense_is_told(fields: dict[str, Any], message: str) -> None:
    assert told(parameter(fields.pop("type"), **fields).faults()) == [message]


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "text"},
        {"type": "string", "name": "1a"},
        {"type": "string", "name": "a b"},
        {"type": "string", "name": "a\n"},
        {"type": "string", "pattern": ""},
        {"type": "string", "pattern": "a" * 201},
        {"type": "string", "pattern": "a\0"},
        {"type": "integer", "minimum": "1"},
        {"type": "integer", "maximum": float("nan")},
        {"type": "string", "choices": []},
        {"type": "string", "choices": ["x"] * 101},
        {"type": "string", "patern": "a"},
    ],
)
def test_a_definition_of_another_shape_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        parameter(fields.pop("type"), **fields)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", "5", "5"),
        ("string", "a=b,c", "a=b,c"),
        ("integer", "20", 20),
        ("integer", "-3", -3),
        ("integer", "2.5", "2.5"),
        ("integer", "9" * 5_000, "9" * 5_000),
        ("number", "2", 2),
        ("number", "1e3", 1000.0),
        ("number", "x", "x"),
        ("boolean", "True", True),
        ("boolean", "false", False),
        ("boolean", "yes", "yes"),
        ("list", "AAPL, MSFT,", ["AAPL", "MSFT"]),
        ("list", "ON", ["ON"]),
        ("list", "", []),
    ],
)
def test_what_is_typed_is_read_by_the_type(kind: str, text: str, value: object) -> None:
    assert parameter(kind).read(text) == value
