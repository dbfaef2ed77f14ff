"""Definitions are checked once, and not too many are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stockjobs.errors import SchemaMismatch
from stockjobs.store.ledger.specs import Specs
from tests.fixtures.house import spec


def counted(asked: list[str], digest: str, **fields: object) -> Callable[[], dict[str, Any]]:
    def document() -> dict[str, Any]:
        asked.append(digest)
        return spec(**fields).document()

    return document


def test_a_definition_is_read_once() -> None:
    specs, asked = Specs(), list[str]()
    first, second = (specs.get("a", counted(asked, "a")) for _ in range(2))
    assert (first is second, asked) == (True, ["a"])


def test_what_is_kept_has_room_for_so_many_symbols() -> None:
    specs, asked = Specs(room=200), list[str]()
    for digest in ("a", "b", "c", "a", "large", "a"):
        symbols = [f"S{number}" for number in range(100)] if digest == "large" else ["AAPL"]
        specs.get(digest, counted(asked, digest, symbols=symbols))
    assert asked == ["a", "b", "c", "large", "a"]


def test_a_definition_that_cannot_be_read_is_told_and_not_kept() -> None:
    specs = Specs()
    for _ in range(2):
        with pytest.raises(SchemaMismatch, match="cannot be read"):
            specs.get("a", lambda: {"type": "astrology"})
    assert specs.get("a", spec().document) == spec()
