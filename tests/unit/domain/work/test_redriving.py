"""What of a failed task is asked for again."""

from __future__ import annotations

import pytest

from stockjobs.domain.work.redriving import symbols_again

ALL = ("A", "B", "C", "D", "E")


@pytest.mark.parametrize(
    ("asked", "failed", "given_up", "kind", "again"),
    [
        pytest.param(ALL, {"B"}, {"B"}, "unknown-symbol", ("B",), id="one is gone, the others landed"),
        pytest.param(ALL, {"B"}, (), "down", ("B", "C", "D", "E"), id="in trouble: nothing was asked for after B"),
        pytest.param(ALL, {"B", "D"}, {"B"}, "down", ("B", "D", "E"), id="the last error counts"),
        pytest.param(("C", "D"), {"D"}, {"A"}, "down", ("A", "D"), id="given up by an earlier attempt"),
        pytest.param(("C", "D"), (), {"A"}, None, ("A",), id="the last attempt landed all it asked for"),
        pytest.param(("C", "D"), (), (), "crash", ("C", "D"), id="its worker died"),
        pytest.param(ALL, (), (), None, ALL, id="it never ran"),
    ],
)
def test_only_what_has_not_succeeded_is_asked_for_again(
    asked: tuple[str, ...], failed: set[str], given_up: set[str], kind: str | None, again: tuple[str, ...]
) -> None:
    assert symbols_again(ALL, asked=asked, failed=failed, given_up=given_up, error_kind=kind) == again
