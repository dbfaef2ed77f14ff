"""What the fields of definitions are made of: checked texts, words of an enumeration, and the model that holds them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from stockjobs.domain.excerpts import shown
from stockjobs.domain.periods import iso, parse_duration, parse_period
from stockjobs.errors import InvalidInput


class Definition(BaseModel):
    """A part of a definition: frozen, strict, with the words of the manifests (camelCase) and of Python."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, strict=True, allow_inf_nan=False
    )


def by_parser(parse: Any) -> BeforeValidator:
    """A pydantic validator from one of our parsers, whose refusals are InvalidInput."""

    def validate(value: object) -> object:
        if not isinstance(value, str):
            raise ValueError(f"a text was expected, not {shown(value)} (put it in quotes)")
        try:
            return parse(value)
        except InvalidInput as error:
            raise ValueError(str(error)) from error

    return BeforeValidator(validate)


def checked(value: str, parse: Any) -> str:
    """The text as it is, after one of our parsers has read it without complaint."""
    try:
        parse(value)
    except InvalidInput as error:
        raise ValueError(str(error)) from error
    return value


def one_of(kind: type[StrEnum]) -> BeforeValidator:
    """Read a word of an enumeration from text, as YAML and JSON give it."""
    words = frozenset(kind)

    def validate(value: object) -> object:
        if isinstance(value, str) and value in words:
            return kind(value)
        raise ValueError(f"{shown(value)} is not one of {', '.join(kind)}")

    return BeforeValidator(validate)


def _storable(value: str) -> str:
    # PostgreSQL keeps no NUL, in a text as little as in JSON.
    if "\0" in value:
        raise ValueError("holds a NUL character (remove it)")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("holds half a character, which no database keeps (remove it)")
    return value


def _duration(text: str) -> str:
    parse_duration(text)
    return iso(text)


def _period(text: str) -> str:
    parse_period(text)
    return iso(text)


Text = Annotated[str, AfterValidator(_storable)]
Duration = Annotated[str, by_parser(_duration)]
"""A length of time that is always the same, kept as ISO 8601 has it."""
Length = Annotated[str, by_parser(_period)]
"""A length of time that may have months and years, kept as ISO 8601 has it."""
