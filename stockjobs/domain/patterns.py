"""Patterns for texts: regular expressions whose matching takes linear time, whoever wrote them."""

from __future__ import annotations

from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema


def refusal(pattern: str) -> str:
    """Why a pattern cannot be used; "" if it can."""
    try:
        # Alone first: `a)|(b` is no pattern, though it would be one between our brackets.
        _compiled(pattern)
        _compiled(_anchored(pattern))
    except SchemaError as error:
        return str(error).rpartition("\n")[2].strip().removeprefix("SchemaError: ").removeprefix("error: ").rstrip(".")
    return ""


def matches(pattern: str, text: str) -> bool:
    """True if all of a text matches. A pattern that cannot be used matches everything: it is told where it stands."""
    try:
        _compiled(_anchored(pattern)).validate_python(text)
    except ValidationError:
        return False
    except SchemaError:
        pass
    return True


def _anchored(pattern: str) -> str:
    return rf"\A(?:{pattern})\z"


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> SchemaValidator:
    # Rust's engine takes linear time and bounds a pattern's size; Python's can be made to take for ever.
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
