"""Placeholders: what is replaced, what stays, and that nothing is looked into twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.work.placeholders import Value, as_text, fill, keys, names_in, replaced, texts

VALUES: dict[str, Value] = {"market": "us", "batch": 5, "on": True, "factor": 1.5, "symbols": ["A", "B"]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${market}", "us"),
        ("${batch}", 5),
        ("${on}", True),
        ("${factor}", 1.5),
        ("${symbols}", ["A", "B"]),
        ("bars-${market}", "bars-us"),
        ("${batch} of ${market}: ${on}, ${factor}, ${symbols}", "5 of us: true, 1.5, A,B"),
        (" ${batch}", " 5"),
        ("${batch}${batch}", "55"),
        ("$${market}", "${market}"),
        ("$$${market}", "$${market}"),
        ("${none}", "${none}"),
        ("x ${none}", "x ${none}"),
        ("${ market }", "${ market }"),
        ("${", "${"),
        ("${}", "${}"),
        ("$market {market} $ {market}", "$market {market} $ {market}"),
        ("${market}}", "us}"),
        ("${a${market}}", "${aus}"),
        ("", ""),
    ],
)
def test_a_text_is_filled_in(text: str, value: Value) -> None:
    filled = fill(text, VALUES)
    assert (filled, type(filled)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("${a} and ${b}, ${a}", ["a", "b", "a"]),
        ("$${a}", []),
        ("${", [""]),
        ("${}", [""]),
        ("${a", [""]),
        ("${a${b}", ["", "b"]),
        ("$a {a}", []),
    ],
)
def test_the_names_in_a_text_are_found(text: str, names: list[str]) -> None:
    assert names_in(text) == names


@given(st.text(), st.text(), st.text())
def test_a_value_is_put_in_as_it_is_and_not_looked_into_again(before: str, value: str, after: str) -> None:
    before, after = before.replace("$", ""), after.replace("$", "")
    assert fill(f"{before}${{x}}{after}", {"x": value, "y": "never"}) == f"{before}{value}{after}"


@given(st.text(alphabet="ab$"))
def test_a_text_without_placeholders_stays_as_it_is(text: str) -> None:
    assert fill(text, {"a": "x"}) == text


@given(st.text(alphabet="${}ab "))
def test_escaping_every_placeholder_gives_the_text_itself(text: str) -> None:
    if "$${" not in text:
        assert fill(text.replace("${", "$${"), {"a": "x", "b": "y"}) == text


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (False, "false"), (-3, "-3"), (["A"], "A"), ([], "")])
def test_a_value_inside_a_text_is_written_as_yaml_would(value: Value, text: str) -> None:
    assert as_text(value) == text


def test_a_document_is_walked_with_the_path_to_each_text_and_key() -> None:
    document = {"a": ["x", {"b": "y"}], "c": 1}
    assert dict(texts(document)) == {("a", 0): "x", ("a", 1, "b"): "y"}
    assert list(keys(document)) == [(("a",), "a"), (("a", 1, "b"), "b"), (("c",), "c")]


def test_a_document_is_replaced_without_touching_the_old_one() -> None:
    document = {"a": ["x", None], "c": {"d": "y", "e": 2}}
    assert replaced(document, str.upper) == {"a": ["X", None], "c": {"d": "Y", "e": 2}}
    assert document == {"a": ["x", None], "c": {"d": "y", "e": 2}}
