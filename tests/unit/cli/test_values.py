"""Reading what is typed, and showing times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stockjobs.cli import tables
from stockjobs.cli.ages import age, moment, span
from stockjobs.cli.values import matches, timeout, words


@pytest.mark.parametrize(("text", "seconds"), [("60", 60), ("1.5", 1.5), ("60s", 60), ("1m", 60)])
def test_a_bare_number_of_a_timeout_is_seconds(text: str, seconds: float) -> None:
    assert timeout(text) == timedelta(seconds=seconds)


def test_commas_and_repetition_both_separate() -> None:
    assert words(["AAPL, MSFT", "KO,"]) == ["AAPL", "MSFT", "KO"]


@pytest.mark.parametrize(
    ("selector", "holds"),
    [
        ("tier=gold", True),
        ("tier==gold", True),
        ("tier!=gold", False),
        ("other!=gold", True),
        ("tier", True),
        ("!tier", False),
        ("!stockjobs/adhoc", True),
        ("tier=gold,other", False),
    ],
)
def test_selectors_follow_kubectl(selector: str, holds: bool) -> None:
    assert matches(selector, {"tier": "gold"}) is holds


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-3, "0s"),
        (0, "0s"),
        (119, "119s"),
        (150, "2m30s"),
        (600, "10m"),
        (7_200, "2h"),
        (12_000, "3h20m"),
        (86_400, "1d"),
        (90_000, "25h"),
        (200_000, "2d7h"),
        (90 * 86_400, "90d"),
    ],
)
def test_spans_are_short(seconds: int, shown: str) -> None:
    assert span(timedelta(seconds=seconds)) == shown


def test_moments_are_shown_in_their_zone() -> None:
    at = datetime(2026, 3, 4, 12, tzinfo=UTC)
    assert moment(at, "UTC") == "2026-03-04 12:00:00Z"
    assert moment(at, "Asia/Tokyo") == "2026-03-04 21:00:00+09:00"
    assert age(at, at + timedelta(hours=5)) == "5h"


def test_columns_are_aligned_by_what_is_seen_not_by_characters() -> None:
    assert list(tables.lines(["a", "b"], [["株式", "1"], ["x", "20"]], right=frozenset([1]))) == [
        "A       B",
        "株式    1",
        "x      20",
    ]


def test_colours_do_not_move_the_columns() -> None:
    first, second = list(tables.lines(["state", "n"], [["failed", "1"]], colour=True))
    assert second.replace("\x1b[31m", "").replace("\x1b[0m", "").index("1") == first.index("N")
