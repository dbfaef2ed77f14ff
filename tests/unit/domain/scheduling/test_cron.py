"""Reading cron expressions and zones: what is accepted, and what is refused with its cure."""

from __future__ import annotations

import pytest

from stockjobs.domain.scheduling.cron import parse_cron, parse_zone
from stockjobs.errors import InvalidInput


@pytest.mark.parametrize(
    "text",
    [
        "* * * * *",
        "*/5 9-16 * * MON-FRI",
        "0 0 1,15 * *",
        "0 12 * JAN,JUL SUN",
        "0 0 * * 0",
        "0 0 * * 7",
        "0 0 29 2 *",
        "0 0 L * *",
        "0 0 LW * *",
        "0 0 * * 5L",
        "0 16 * * FRI#3",
        "0 */5 * * * MON-FRI",
        "59 30 9 * * *",
    ],
)
def test_a_good_expression_is_returned_as_it_is(text: str) -> None:
    assert parse_cron(text) == text


def test_blanks_are_made_single_and_question_marks_become_stars() -> None:
    assert parse_cron("  0\t18  ? *   MON ") == "0 18 * * MON"
    assert parse_cron("0 18 1 * ?") == "0 18 1 * *"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("60 * * * *", r"the minute cannot be '60' .*from 0 to 59"),
        ("0 24 * * *", r"the hour cannot be '24' .*from 0 to 23"),
        ("0 0 0 * *", r"the day of month cannot be '0' .*from 1 to 31"),
        ("0 0 * 13 *", r"the month cannot be '13' .*from 1 to 12"),
        ("0 0 * * 8", r"the day of week cannot be '8' .*from 0 to 7"),
        ("-1 * * * *", r"the minute cannot be '-1'"),
        ("1.5 * * * *", r"the minute cannot be '1.5'"),
        ("? * * * *", r"the minute cannot be '\?'"),
        ("1,,2 * * * *", r"the minute cannot be '1,,2'"),
        ("٣ * * * *", "the minute cannot be"),
        ("0\x00 * * * *", "the minute cannot be"),
        ("*/0 * * * *", "step /0 does not fit the minute .from /1 to /59"),
        ("*/100 * * * *", "step /100 does not fit the minute .from /1 to /59"),
        ("0 */24 * * *", "step /24 does not fit the hour"),
        ("0,*/99 * * * *", "step /99"),
        ("5-1 * * * *", r"the minute cannot be '5-1' .*ranges go upwards"),
        ("0 0 * * FRI-MON", r"the day of week cannot be 'FRI-MON' .*ranges go upwards"),
        ("0 0 L-3 * *", r"the day of month cannot be 'L-3'"),
        ("0 0 * * MON#6", r"the day of week cannot be 'MON#6'"),
        ("", "'' has 0 fields, a cron expression has 5 or 6 fields .such as"),
        ("@daily", "'@daily' has 1 field,"),
        ("* * * *", "has 4 fields"),
        ("* * * * * * *", "has 7 fields"),
    ],
)
def test_a_bad_expression_is_refused_with_its_field_and_the_cure(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        parse_cron(text)


@pytest.mark.parametrize("text", ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 30 2 */2"])
def test_a_day_that_no_month_has_is_refused_as_never_firing(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"never fires \(its day does not exist"):
        parse_cron(text)


def test_a_day_that_no_month_has_is_accepted_beside_a_day_of_the_week() -> None:
    assert parse_cron("0 0 30 2 MON") == "0 0 30 2 MON"


@pytest.mark.parametrize("second", ["*", "*/10", "0,30", "0-59", "60", "?", "x"])
def test_more_than_once_a_minute_is_refused(second: str) -> None:
    with pytest.raises(InvalidInput, match=r"is not a single second \(nothing fires more than once a minute"):
        parse_cron(f"{second} * * * * *")


@pytest.mark.parametrize("field", ["9" * 5_000, "*/" + "9" * 5_000, "*/" + "9" * 50, ",".join(["1"] * 5_000)])
def test_a_monstrous_expression_is_refused_in_a_short_sentence(field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_cron(f"{field} * * * *")
    assert len(str(caught.value)) < 300


def test_the_refusal_names_its_place() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_cron("60 * * * *", "spec.schedule.cron")
    assert caught.value.problems[0].where == "spec.schedule.cron"


@pytest.mark.parametrize(
    "name", ["UTC", "America/New_York", "Australia/Lord_Howe", "America/Argentina/Salta", "Etc/UTC"]
)
def test_the_name_of_an_area_and_place_is_a_zone(name: str) -> None:
    assert parse_zone(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "localtime",
        "EST5EDT",
        "EST",
        "../../etc/passwd",
        "/etc/localtime",
        "UTC\x00",
        "Europe/Berlin\n",
        "america/new_york",
        "America/",
        "posix/Europe/Berlin",
        "right/Europe/Berlin",
        "Mars/Olympus",
        "Europe/" + "x" * 5_000,
    ],
)
def test_what_is_no_zone_is_refused_in_a_short_sentence_with_a_cure(name: str) -> None:
    with pytest.raises(
        InvalidInput, match=r"is not a time zone \((an IANA name such as America/New_York|did you mean)"
    ) as caught:
        parse_zone(name)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("america/new_york", "America/New_York"),
        ("America/New_Yrok", "America/New_York"),
        ("New York", "America/New_York"),
        ("Lord Howe", "Australia/Lord_Howe"),
        ("Europe/Berlni", "Europe/Berlin"),
        ("utc", "UTC"),
        ("Z", "UTC"),
    ],
)
def test_a_zone_that_is_nearly_right_is_suggested(name: str, meant: str) -> None:
    with pytest.raises(InvalidInput, match=rf"did you mean {meant}\?"):
        parse_zone(name)
