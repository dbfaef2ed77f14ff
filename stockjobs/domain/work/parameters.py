"""The parameters of a template: their types, and what a value of each may be."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from stockjobs.domain.excerpts import excerpt, shown
from stockjobs.domain.patterns import matches, refusal
from stockjobs.domain.places import Fault
from stockjobs.domain.work.jobs import MAX_SYMBOLS, Metadata, Text
from stockjobs.domain.work.placeholders import Value

MAX_CHARACTERS = 2_000
"""The longest text that a parameter takes, and the longest entry of a list."""

MAX_ITEMS = MAX_SYMBOLS
MAX_PATTERN = 200
# PostgreSQL gives larger numbers of a JSON document back as others than they were.
_LARGEST = 2**63
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")


class ParameterType(StrEnum):
    """What a parameter takes; a list is a list of texts."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "list"


_EXPECTED = {
    ParameterType.STRING: ("a text", "put it in quotes"),
    ParameterType.INTEGER: ("a whole number", "such as 5"),
    ParameterType.NUMBER: ("a number", "such as 1.5"),
    ParameterType.BOOLEAN: ("true or false", "without quotes"),
    ParameterType.LIST: ("a list of texts", "in brackets, or a line with '- ' for each"),
}
_NUMERIC = (ParameterType.INTEGER, ParameterType.NUMBER)
_TEXTUAL = (ParameterType.STRING, ParameterType.LIST)


def _type(value: object) -> object:
    if isinstance(value, str) and value in set(ParameterType):
        return ParameterType(value)
    raise ValueError(f"{shown(value)} is not one of {', '.join(ParameterType)}")


def _number(value: object) -> object:
    if is_of(value, ParameterType.NUMBER):
        return value
    raise ValueError(f"a number was expected, not {shown(value)} (such as 1.5)")


Bound = Annotated[object, BeforeValidator(_number)]


class Parameter(BaseModel):
    """One parameter: without a default a value has to be given."""

    model_config = Metadata.model_config

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")]
    type: Annotated[ParameterType, BeforeValidator(_type)]
    description: Annotated[Text, Field(max_length=MAX_CHARACTERS)] = ""
    default: object = None
    choices: Annotated[tuple[object, ...], Field(min_length=1, max_length=100, strict=False)] | None = None
    minimum: Bound | None = None
    maximum: Bound | None = None
    pattern: Annotated[Text, Field(min_length=1, max_length=MAX_PATTERN)] | None = None
    """A regular expression for the whole of a text, without look-around and back-references; matching takes linear time."""

    @property
    def has_default(self) -> bool:
        """True if no value has to be given."""
        return self.default is not None

    @property
    def is_list(self) -> bool:
        """True if it takes several texts; choices and the pattern then hold for each of them."""
        return self.type is ParameterType.LIST

    def faults(self) -> Iterator[Fault]:
        """What is wrong with the parameter's own definition."""
        yield from self._limits()
        if self.default is not None:
            yield from (fault.under(("default",)) for fault in self.faults_of(self.default))
        elif "default" in self.model_fields_set:
            yield Fault(("default",), "is empty", "give a default, or remove the line: then a value has to be given")

    def _limits(self) -> Iterator[Fault]:
        if self.pattern is not None and self.type not in _TEXTUAL:
            yield Fault(("pattern",), f"does not go with type {self.type}", "it goes with string and list")
        elif self.pattern is not None and (reason := refusal(self.pattern)):
            yield Fault(("pattern",), f"{excerpt(self.pattern)} is not a pattern: {reason}", "such as '[a-z]+'")
        for name in ("minimum", "maximum"):
            if getattr(self, name) is not None and self.type not in _NUMERIC:
                yield Fault((name,), f"does not go with type {self.type}", "it goes with integer and number")
        if _above(self.minimum, self.maximum):
            yield Fault(("minimum",), f"{self.minimum} is above the maximum {self.maximum}", "exchange them")
        if self.choices is not None and self.type is ParameterType.BOOLEAN:
            yield Fault(("choices",), "does not go with type boolean", "remove the line")
        else:
            yield from self._wrong_choices()

    def _wrong_choices(self) -> Iterator[Fault]:
        kind = ParameterType.STRING if self.is_list else self.type
        for index, choice in enumerate(self.choices or ()):
            if not is_of(choice, kind):
                yield Fault(("choices", index), *_not_of(choice, kind))
            elif choice in (self.choices or ())[:index]:
                yield Fault(("choices", index), f"{shown(choice)} is named twice", "name each once")

    def faults_of(self, value: object) -> Iterator[Fault]:
        """What is wrong with a value for this parameter; the paths are those inside the value."""
        if isinstance(value, list | tuple) and self.is_list:
            if len(value) > MAX_ITEMS:
                yield Fault((), f"has {len(value)} entries, at most {MAX_ITEMS:,} are allowed", "give fewer")
                return
            for index, item in enumerate(value):
                yield from (fault.under((index,)) for fault in self._faults_of_one(item, ParameterType.STRING))
        else:
            yield from self._faults_of_one(value, self.type)

    def _faults_of_one(self, value: object, kind: ParameterType) -> Iterator[Fault]:
        if not is_of(value, kind):
            yield Fault((), *_not_of(value, kind))
        elif isinstance(value, str) and (reason := _unstorable(value)):
            yield Fault((), reason, "shorten it" if len(value) > MAX_CHARACTERS else "remove it")
        elif self.choices is not None and value not in self.choices:
            yield Fault((), f"{shown(value)} is not a choice", f"one of {', '.join(map(str, self.choices))[:200]}")
        elif _above(self.minimum, value):
            yield Fault((), f"{shown(value)} is below the minimum", f"{self.minimum} or more")
        elif _above(value, self.maximum):
            yield Fault((), f"{shown(value)} is above the maximum", f"{self.maximum} or less")
        elif isinstance(value, str) and self.pattern and not self._matches(self.pattern, value):
            yield Fault((), f"{shown(value)} does not match {excerpt(self.pattern)}", "all of it has to")

    def _matches(self, pattern: str, value: str) -> bool:
        # A pattern that cannot be used is told where it stands, not at every value.
        return bool(refusal(pattern)) or matches(pattern, value)

    def value(self, value: object) -> Value:
        """A value that has no faults, as it is rendered."""
        if isinstance(value, list | tuple):
            return [str(item) for item in value]
        assert isinstance(value, bool | int | float | str)
        return value

    def read(self, text: str) -> object:
        """What is typed for this parameter: `20`, `true`, `AAPL,MSFT`. What cannot be read stays a text, to be refused."""
        if self.is_list:
            return [word.strip() for word in text.split(",") if word.strip()]
        if self.type is ParameterType.BOOLEAN:
            return {"true": True, "false": False}.get(text.lower(), text)
        if self.type in _NUMERIC and _INTEGER.fullmatch(text):
            return int(text)
        return _float(text) if self.type is ParameterType.NUMBER else text


def _float(text: str) -> float | str:
    try:
        return float(text) if len(text) <= MAX_CHARACTERS else text
    except ValueError:
        return text


def is_of(value: object, kind: ParameterType) -> bool:
    """True if a value has a parameter's type; a truth is no number, and a number has to be finite, and below 2**63."""
    if isinstance(value, bool):
        return kind is ParameterType.BOOLEAN
    if isinstance(value, int):
        return kind in _NUMERIC and abs(value) < _LARGEST
    if isinstance(value, float):
        return kind is ParameterType.NUMBER and math.isfinite(value) and abs(value) < _LARGEST
    return isinstance(value, str) and kind is ParameterType.STRING


def _not_of(value: object, kind: ParameterType) -> tuple[str, str]:
    expected, hint = _EXPECTED[kind]
    return f"{expected} was expected, not {shown(value)}", hint


def _above(low: object, high: object) -> bool:
    return isinstance(low, int | float) and isinstance(high, int | float) and low > high


def _unstorable(text: str) -> str:
    if len(text) > MAX_CHARACTERS:
        return f"has {len(text):,} characters, at most {MAX_CHARACTERS:,} are allowed"
    if not is_storable(text):
        return "holds a NUL or half a character, which no database keeps"
    return ""


def is_storable(text: str) -> bool:
    """True unless a text holds what PostgreSQL does not keep: NUL, and halves of characters."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
