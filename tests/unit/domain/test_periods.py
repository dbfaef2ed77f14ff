"""ISO 8601 periods, repeating intervals and instants."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.periods import (
    EPOCH,
    LONGEST,
    Period,
    RepeatingInterval,
    iso,
    parse_duration,
    parse_instant,
    parse_period,
    parse_repeating,
)
from stockjobs.errors import InvalidInput

NEW_YORK = "America/New_York"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "months", "days", "fixed"),
    [
        ("PT5M", 0, 0, timedelta(minutes=5)),
        ("P1D", 0, 1, timedelta(0)),
        ("P2W", 0, 14, timedelta(0)),
        ("P1W2D", 0, 9, timedelta(0)),
        ("P1M", 1, 0, timedelta(0)),
        ("P1Y6M", 18, 0, timedelta(0)),
        ("P1Y2M3DT4H5M6.5S", 14, 3, timedelta(hours=4, minutes=5, seconds=6.5)),
        ("PT36H", 0, 0, timedelta(hours=36)),
        ("PT0.1S", 0, 0, timedelta(milliseconds=100)),
        ("P100Y", 1200, 0, timedelta(0)),
    ],
)
def test_a_period_is_read_with_its_calendar_part_apart(text: str, months: int, days: int, fixed: timedelta) -> None:
    assert parse_period(text) == Period(months, fixed, days)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not a length of time"),
        ("P", "is not a length of time"),
        ("PT", "is not a length of time"),
        ("P1YT", "is not a length of time"),
        ("1d 2h", "is not a length of time"),
        ("m", "is not a length of time"),
        ("1m1h", "is not a length of time"),
        ("-5s", "is not a positive duration"),
        ("0s", "is not a positive duration"),
        ("pt5m", "is not a length of time"),
        ("PT5", "is not a length of time"),
        (" PT5M", "is not a length of time"),
        ("PT5M\n", "is not a length of time"),
        ("+PT5M", "is not a length of time"),
        ("P1.5D", "is not a length of time .*whole numbers"),
        ("P0.5M", "is not a length of time .*whole numbers"),
        ("PT5,5M", "is not a length of time .*whole numbers"),
        ("PT1e5S", "is not a length of time"),
        ("P1D1Y", "is not a length of time"),
        ("PT٥M", "is not a length of time"),
        ("P0001-01-01T00:00:00", "is not a length of time"),
        ("PT0S", "is not a positive duration"),
        ("P0D", "is not a positive duration"),
        ("-PT5M", "is not a positive duration"),
        ("P101Y", "is longer than a hundred years"),
        ("P99999999999D", "is longer than a hundred years"),
        ("P" + "9" * 30 + "Y", "is longer than a hundred years"),
        ("P" + "9" * 5_000 + "M", "is longer than a hundred years"),
        ("PT" + "9" * 5_000 + "S", "is longer than a hundred years"),
    ],
)
def test_what_is_no_period_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as caught:
        parse_period(text)
    assert caught.value.problems[0].hint
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2d", 172_800), ("0.5s", 0.5), ("PT10M", 600), ("P1D", 86_400)],
)
def test_durations_are_read_in_both_ways(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


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


def test_an_interval_keeps_to_iso_8601() -> None:
    with pytest.raises(InvalidInput, match=r"'R/5m' has 5m for a duration \(write PT5M\)"):
        parse_repeating("R/5m")


@pytest.mark.parametrize("text", ["P1M", "P1Y", "P1M1D", "6mo"])
def test_a_duration_of_no_fixed_length_is_refused_where_one_is_needed(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"have no fixed length \(use days"):
        parse_duration(text)


@given(st.integers(0, 98), st.integers(0, 11), st.timedeltas(timedelta(seconds=1), timedelta(days=300)))
def test_a_period_that_is_written_out_reads_back_the_same(years: int, months: int, fixed: timedelta) -> None:
    seconds = f"{fixed.seconds}.{fixed.microseconds:06d}"
    within_a_day = fixed - timedelta(days=fixed.days)
    read = parse_period(f"P{years}Y{months}M{fixed.days}DT{seconds}S")
    assert read == Period(years * 12 + months, within_a_day, fixed.days)


@given(st.text("PTYMWDHS0123456789.,-+", max_size=12))
def test_any_text_is_either_refused_or_a_positive_period(text: str) -> None:
    try:
        period = parse_period(text)
    except InvalidInput:
        return
    assert timedelta(0) < period.nominal <= LONGEST


def test_the_31st_stays_the_31st_wherever_a_month_has_one() -> None:
    monthly = parse_period("P1M")
    days = [monthly.times(count, utc(2026, 1, 31)).date().isoformat() for count in range(4)]
    assert days == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]


def test_counting_backwards_goes_before_the_start() -> None:
    assert parse_period("P1M").times(-1, utc(2026, 3, 31)) == utc(2026, 2, 28)
    assert parse_period("PT6H").times(-2, utc(2026, 3, 31)) == utc(2026, 3, 30, 12)


def test_a_repeating_interval_is_read_in_its_three_parts() -> None:
    found = parse_repeating("R10/2026-01-01T00:00:00+01:00/PT6H")
    assert found == RepeatingInterval(Period(0, timedelta(hours=6)), utc(2025, 12, 31, 23), 10)


def test_without_a_start_it_counts_from_1970_so_that_all_nodes_agree() -> None:
    assert parse_repeating("R/PT5M") == RepeatingInterval(Period(0, timedelta(minutes=5)), None, None)
    assert parse_repeating("R/PT7M").after(utc(2026, 1, 1)) == EPOCH + timedelta(minutes=7) * (
        (utc(2026, 1, 1) - EPOCH) // timedelta(minutes=7) + 1
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("PT5M", "is not an ISO 8601 repeating interval"),
        ("R-1/PT5M", "is not an ISO 8601 repeating interval"),
        ("R٣/2026-01-01T00:00:00Z/PT5M", "is not an ISO 8601 repeating interval"),
        ("R" + "9" * 5_000 + "/PT5M", "is not an ISO 8601 repeating interval"),
        ("R0/PT5M", "never repeats .use `once`"),
        ("R10/PT5M", "counts its repetitions but has no start .such as R10/2026"),
        ("R/PT0.5S", "repeats more than once a second .at least PT1S"),
        ("R/PT0S", "is not a positive duration"),
        ("R/2026-01-01/PT1H", "'2026-01-01' is not an instant with a zone"),
        ("R/PT5M/2026-01-01T00:00:00Z", "is not a length of time"),
        ("R/9999-12-31T00:00:00Z/P1Y", "is outside of the years 1900 to 2199"),
    ],
)
def test_what_is_no_repeating_interval_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as caught:
        parse_repeating(text)
    assert len(str(caught.value)) < 200


PERIODS = st.one_of(
    st.builds(Period, st.just(0), st.timedeltas(timedelta(hours=1), timedelta(days=40))),
    st.builds(Period, st.integers(1, 30), st.timedeltas(timedelta(0), timedelta(days=20))),
)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2022, 1, 1), timezones=st.just(UTC))


@given(PERIODS, INSTANTS, INSTANTS, st.one_of(st.none(), st.integers(1, 2_000)))
def test_after_is_the_first_of_the_counted_times_that_is_later(
    period: Period, start: datetime, instant: datetime, repetitions: int | None
) -> None:
    count = 0
    while period.times(count, start) <= instant:
        count += 1
    expected = None if repetitions is not None and count >= repetitions else period.times(count, start)
    assert RepeatingInterval(period, start, repetitions).after(instant) == expected


@pytest.mark.parametrize("months", [1, 5, 12, 37])
def test_after_finds_a_monthly_time_a_century_later(months: int) -> None:
    interval = RepeatingInterval(Period(months, timedelta(0)), utc(1904, 1, 31))
    for days in range(0, 1_500, 13):
        instant = utc(2096, 1, 1) + timedelta(days=days)
        found = interval.after(instant)
        assert found is not None
        assert instant < found <= instant + timedelta(days=31 * months)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-31T15:30:00Z", utc(2026, 1, 31, 15, 30)),
        ("2026-01-31T15:30Z", utc(2026, 1, 31, 15, 30)),
        ("2026-01-31T15:30:00.25-05:00", utc(2026, 1, 31, 20, 30, 0, 250_000)),
    ],
)
def test_an_instant_with_its_offset_is_read_as_utc(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-01-31", "is not an instant with a zone"),
        ("2026-01-31T15:30:00", "is not an instant with a zone"),
        ("20260131T153000Z", "is not an instant with a zone"),
        ("2026-W01-1T00:00:00Z", "is not an instant with a zone"),
        ("2026-01-31T15:30:00Z\n", "is not an instant with a zone"),
        ("２０２６-01-31T15:30:00Z", "is not an instant with a zone"),
        ("2026-02-30T00:00:00Z", "is not a possible instant"),
        ("2026-01-31T25:00:00Z", "is not a possible instant"),
        ("0001-01-01T00:00:00+23:00", "is not a possible instant"),
        ("1800-01-01T00:00:00Z", "is outside of the years 1900 to 2199"),
        ("9999-01-01T00:00:00Z", "is outside of the years 1900 to 2199"),
    ],
)
def test_what_is_no_instant_is_refused_with_an_example(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=rf"{reason}.*\(such as 2026-01-31T15:30:00Z\)"):
        parse_instant(text)


def _local(text: str, zone: str, count: int) -> list[str]:
    interval = parse_repeating(text, zone=zone)
    times = islice(interval.iterate(utc(1960, 1, 1)), count)
    return [f"{one.astimezone(ZoneInfo(zone)):%m-%d %H:%M%z}" for one in times]


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        # A day keeps its time of day; where that is jumped over it is as much later as the clocks jump.
        ("R/2026-03-07T07:30:00Z/P1D", NEW_YORK, ["03-07 02:30-0500", "03-08 03:30-0400", "03-09 02:30-0400"]),
        ("R/2026-10-31T05:30:00Z/P1D", NEW_YORK, ["10-31 01:30-0400", "11-01 01:30-0400", "11-02 01:30-0500"]),
        ("R/2026-11-01T06:30:00Z/P1D", NEW_YORK, ["11-01 01:30-0500", "11-02 01:30-0500", "11-03 01:30-0500"]),
        ("R/2026-03-01T14:00:00Z/P1W", NEW_YORK, ["03-01 09:00-0500", "03-08 09:00-0400", "03-15 09:00-0400"]),
        ("R/2026-01-31T14:00:00Z/P1M", NEW_YORK, ["01-31 09:00-0500", "02-28 09:00-0500", "03-31 09:00-0400"]),
        ("R/2024-02-29T00:00:00Z/P1Y", "UTC", ["02-29 00:00+0000", *["02-28 00:00+0000"] * 3, "02-29 00:00+0000"]),
        # Hours are real time.
        ("R/2026-03-08T05:00:00Z/PT1H", NEW_YORK, ["03-08 00:00-0500", "03-08 01:00-0500", "03-08 03:00-0400"]),
        ("R/2026-03-07T14:00:00Z/PT24H", NEW_YORK, ["03-07 09:00-0500", "03-08 10:00-0400"]),
        ("R/2026-10-03T15:30:00Z/P1D", "Australia/Lord_Howe", ["10-04 02:30+1100", "10-05 02:30+1100"]),
        ("R/2026-10-02T15:45:00Z/P1D", "Australia/Lord_Howe", ["10-03 02:15+1030", "10-04 02:45+1100", "10-05 02:15+1100"]),
        # The day that Samoa left out is one with the next.
        ("R3/2011-12-29T22:00:00Z/P1D", "Pacific/Apia", ["12-29 12:00-1000", "12-31 12:00+1400"]),
        # Both: a day by the clocks, then twelve hours.
        ("R/2026-03-07T17:00:00Z/P1DT12H", NEW_YORK, ["03-07 12:00-0500", "03-09 00:00-0400", "03-10 12:00-0400"]),
        # Without a start days are counted from a midnight of the zone.
        ("R/P1D", NEW_YORK, ["01-01 00:00-0500", "01-02 00:00-0500"]),
    ],
)  # fmt: skip
def test_calendar_parts_go_by_the_clocks_of_the_zone_and_the_rest_by_real_time(
    text: str, zone: str, expected: list[str]
) -> None:
    assert _local(text, zone, len(expected)) == expected


def test_ten_repetitions_are_ten_in_all_wherever_one_looks() -> None:
    interval = parse_repeating("R10/2026-10-20T05:30:00Z/P1D", zone=NEW_YORK)
    everything = list(interval.iterate(utc(2020, 1, 1)))
    assert len(everything) == 10
    assert list(interval.iterate(everything[3])) == everything[4:]
    assert interval.after(everything[-1]) is None


def test_no_repetition_is_behind_the_year_2199() -> None:
    assert list(parse_repeating("R/2198-06-01T00:00:00Z/P1Y").iterate(utc(2026, 1, 1))) == [
        utc(2198, 6, 1),
        utc(2199, 6, 1),
    ]


@given(
    PERIODS,
    INSTANTS,
    INSTANTS,
    st.sampled_from([NEW_YORK, "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo", "Asia/Gaza"]),
    st.integers(0, 30),
)
def test_in_a_zone_too_it_is_the_first_of_the_counted_times(
    period: Period, start: datetime, instant: datetime, zone: str, days: int
) -> None:
    period = Period(period.months, period.fixed, days)
    times = (period.times(count, start, ZoneInfo(zone)) for count in itertools.count())
    expected = next(time for time in times if time > instant)
    assert RepeatingInterval(period, start, zone=zone).after(instant) == expected
