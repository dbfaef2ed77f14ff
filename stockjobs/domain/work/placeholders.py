"""Placeholders in the texts of a template: `${name}` stands for a value, and `$${` for `${` itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from stockjobs.domain.places import Path

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Value: TypeAlias = "bool | int | float | str | list[str]"
"""What a parameter may be given."""

_ESCAPED = "$${"
_TOKEN = re.compile(r"\$\$\{|\$\{(?P<name>[^{}]*)\}|\$\{")


def names_in(text: str) -> list[str]:
    """The names of the placeholders in a text, in order; "" for one that is not closed or has no name."""
    return [match["name"] or "" for match in _TOKEN.finditer(text) if match[0] != _ESCAPED]


def fill(text: str, values: Mapping[str, Value]) -> Value:
    """A text with the values in place of its placeholders; those without a value stay as they are.

    A text that is one placeholder and nothing else becomes the value itself, with its type.
    """
    whole = _TOKEN.fullmatch(text)
    if whole and whole["name"] in values:
        return values[whole["name"]]
    return _TOKEN.sub(lambda match: _filled(match, values), text)


def _filled(match: re.Match[str], values: Mapping[str, Value]) -> str:
    if match[0] == _ESCAPED:
        return "${"
    return as_text(values[match["name"]]) if match["name"] in values else match[0]


def as_text(value: Value) -> str:
    """A value inside a text: truths as YAML writes them, a list with commas."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, list) else str(value)


def texts(node: Json, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text among the values of a document, with the path to it."""
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from texts(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from texts(value, (*path, index))


def keys(node: Json, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every key of a document, with the path to its value."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield (*path, key), key
            yield from keys(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from keys(value, (*path, index))


def replaced(node: Json, change: Callable[[str], Json]) -> Json:
    """A document with every text among its values changed; nothing of the old one is shared with it that could be altered."""
    if isinstance(node, str):
        return change(node)
    if isinstance(node, dict):
        return {key: replaced(value, change) for key, value in node.items()}
    return [replaced(value, change) for value in node] if isinstance(node, list) else node
