"""Reading what is typed, and showing times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stockjobs.cli import tables
from stockjobs.cli.ages import age, moment, span
from stockjobs.cli.values import duration, iso, matches, timeout, words
from stockjobs.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2d", 172_800), ("0.5s", 0.5), ("PT10M", 600), ("P1D", 86_400)],
)
def test_durations_are_read_in_both_ways(text: str, seconds: float) -> None:
    assert duration(text, "--timeout") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "10", "m", "1m1h", "-5s", "0s", "PT0S", "P1M", "1h 30m", "٣s m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="--timeout"):
        duration(text, "--timeout")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("5d", "P5D"),
        ("2wk", "P2W"),
        ("2w", "P2W"),
        ("6mo", "P6M"),
        ("6m", "PT6M"),
        ("10y", "P10Y"),
        ("1d12h", "P1DT12H"),
        ("P1Y", "P1Y"),
        ("soon", "soon"),
        ("", ""),
    ],
)
def test_short_words_are_the_same_in_iso_8601(text: str, meant: str) -> None:
    assert iso(text) == meant


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
        (12_000, "3h20m"),
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
