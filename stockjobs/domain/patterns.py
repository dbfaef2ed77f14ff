"""Patterns for texts: regular expressions whose matching takes linear time, whoever wrote them."""

from __future__ import annotations

from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

_TIMES = 8
"""The engine bounds the size of what it compiles; a pattern has to fit so many times into that, which bounds its costs."""


def refusal(pattern: str) -> str:
    """Why a pattern cannot be used; "" if it can."""
    # Alone first: `a)|(b` is no pattern, though it would be one between brackets.
    for whole in (pattern, _anchored(pattern), f"(?:{pattern}){{{_TIMES}}}"):
        compiled = _compiled(whole)
        if isinstance(compiled, str):
            return "it is too large" if "size limit" in compiled else compiled
    return ""


def matches(pattern: str, text: str) -> bool:
    """True if all of a text matches a pattern that can be used."""
    compiled = _compiled(_anchored(pattern))
    assert isinstance(compiled, SchemaValidator)
    try:
        compiled.validate_python(text)
    except ValidationError:
        return False
    return True


def _anchored(pattern: str) -> str:
    return rf"\A(?:{pattern})\z"


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> SchemaValidator | str:
    """The pattern, or why it is none."""
    try:
        # Rust's engine takes linear time and knows no back-references; Python's can be made to take for ever.
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError as error:
        reason = str(error).rpartition("\n")[2].strip()
        return reason.removeprefix("SchemaError: ").removeprefix("error: ").rstrip(".")
