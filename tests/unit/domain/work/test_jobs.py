"""The definition of a job: what is accepted, what is refused, and that it survives being stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.scheduling.cron_rule import Cron
from stockjobs.domain.scheduling.rules import Manual, Once, Repeat
from stockjobs.domain.scheduling.schedules import Misfire
from stockjobs.domain.work.jobs import (
    MAX_SYMBOLS,
    JobSpec,
    JobType,
    Manifest,
    RetrySpec,
    ScheduleSpec,
    WindowSpec,
    check_name,
)
from stockjobs.domain.work.lanes import Priority
from stockjobs.errors import InvalidInput


def spec(**fields: Any) -> JobSpec:
    return JobSpec.model_validate({"type": "marketdata", **fields})


def refusal(**fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        spec(**fields)
    return str(caught.value)


def test_a_job_needs_no_more_than_its_type() -> None:
    job = spec()
    assert job.intervals == (Interval.D1,)
    assert job.schedule.rule() == Manual()
    assert job.priority is Priority.NORMAL


@pytest.mark.parametrize("name", ["A", "daily-closes", "MARKETDATA_BACKFILL", "a.b", "9", "x" * 63])
def test_a_plain_word_is_a_name(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is not a job's name"),
        ("-a", "is not a job's name"),
        ("a-", "is not a job's name"),
        ("a b", "is not a job's name"),
        ("a/b", "is not a job's name"),
        ("a\n", "is not a job's name"),
        ("ä", "is not a job's name"),
        ("x" * 64, "1 to 63 letters"),
        ("history", "is a reserved name .choose another"),
        ("History", "is a reserved name .choose another"),
    ],
)
def test_what_is_no_name_is_refused_with_the_rule(name: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        check_name(name)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"symbols": []}, "at least 1 item"),
        ({"symbols": [f"A{n}" for n in range(MAX_SYMBOLS + 1)]}, "at most 10000 items"),
        ({"symbols": [True]}, "a text was expected, not true .put it in quotes"),
        ({"symbols": ["../x"]}, "is a path"),
        ({"symbols": ["AAPL", "aapl"]}, "symbols are named twice: AAPL"),
        ({"intervals": []}, "at least 1 item"),
        ({"intervals": ["1d", "5m", "1d"]}, "intervals are named twice: 1d"),
        ({"intervals": ["3m"]}, "'3m' is not one of 1m, 2m"),
        ({"type": "prices"}, "'prices' is not one of marketdata, fundamentals"),
        ({"mode": "full"}, "'full' is not one of incremental, backfill"),
        ({"priority": "urgent"}, "is not a priority .critical, high, normal or low"),
        ({"priority": 5}, "5 is not a priority"),
        ({"provider": "../x"}, "should match pattern"),
        ({"provider": "yahoo\n"}, "should match pattern"),
        ({"batchSize": 0}, "greater than or equal to 1"),
        ({"batchSize": float("nan")}, "valid integer"),
        ({"batchSize": 1e999}, "valid integer"),
        ({"batchSize": True}, "valid integer"),
        ({"timeout": "P2D"}, "above the maximum of P1D"),
        ({"timeout": "P1M"}, "have no fixed length"),
        ({"timeout": 300}, "a text was expected, not 300"),
        ({"displayName": "a\0b"}, "holds a NUL character"),
        ({"tags": ["a\0b"]}, "holds a NUL character"),
        ({"symbls": ["AAPL"]}, "Extra inputs"),
        ({"window": {"start": "2026-01-01"}}, "belong to mode backfill"),
        ({"enabled": "yes"}, "valid boolean"),
    ],
)
def test_a_bad_field_is_refused_with_its_reason(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        spec(**fields)


@pytest.mark.parametrize("factor", [float("nan"), float("inf"), 1e999, -1.0, 0.5, 101, True, "2"])
def test_a_factor_that_is_no_number_from_1_to_100_is_refused(factor: object) -> None:
    with pytest.raises(ValidationError):
        RetrySpec.model_validate({"factor": factor})


def test_a_whole_number_is_a_factor() -> None:
    assert RetrySpec.model_validate({"factor": 3}).policy().factor == 3.0


@pytest.mark.parametrize("retries", [-1, 101, 2.0, True, float("nan")])
def test_a_number_of_retries_outside_0_to_100_is_refused(retries: object) -> None:
    with pytest.raises(ValidationError):
        RetrySpec.model_validate({"maxRetries": retries})


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"cron": "0 18 * * MON-FRI", "timeZone": "Europe/Berlin"}, Cron("0 18 * * MON-FRI", "Europe/Berlin")),
        ({"cron": "0 */5 * * * ?"}, Cron("0 */5 * * * *")),
        ({}, Manual()),
    ],
)
def test_a_schedule_becomes_its_rule(fields: dict[str, str], rule: object) -> None:
    assert ScheduleSpec.model_validate(fields).rule() == rule


def test_an_interval_and_a_single_time_become_their_rules() -> None:
    assert isinstance(ScheduleSpec(interval="R/PT5M").rule(), Repeat)
    assert isinstance(ScheduleSpec(once="2026-01-01T00:00:00Z").rule(), Once)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"cron": "60 * * * *"}, "the minute cannot be '60'"),
        ({"cron": "* * * * * *"}, "nothing fires more than once a minute"),
        ({"cron": 5}, "valid string"),
        ({"interval": "R/PT0S"}, "is not a positive duration"),
        ({"once": "2026-01-01"}, "is not an instant with a zone"),
        ({"timeZone": "EST5EDT"}, "is not a time zone"),
        ({"timeZone": ""}, "is not a time zone"),
        ({"grace": "PT0S"}, "is not a positive duration"),
        ({"misfire": "some"}, "'some' is not one of all, latest, none"),
        ({"concurrency": "maybe"}, "is not one of forbid, allow, replace"),
        ({"cron": "0 0 * * *", "interval": "R/PT5M"}, "cron and interval exclude each other .keep one"),
    ],
)
def test_a_bad_schedule_is_refused_with_its_reason(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        ScheduleSpec.model_validate(fields)


def test_a_day_is_its_midnight_in_utc() -> None:
    window = WindowSpec.model_validate({"start": "2026-01-01", "end": "2026-02-01T00:00:00+01:00"})
    assert (window.start, window.end) == ("2026-01-01T00:00:00Z", "2026-01-31T23:00:00Z")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"start": "2026-02-01", "end": "2026-01-01"}, "is not before end"),
        ({"start": "2026-02-01", "end": "2026-02-01"}, "is not before end"),
        ({"start": "2026-02-01", "period": "P1D"}, "exclude each other"),
        ({"start": "1800-01-01"}, "is outside of the years 1900 to 2199"),
        ({"end": "9999-01-01"}, "is outside of the years 1900 to 2199"),
        ({"start": "2024-02-30"}, "is not a possible instant"),
        ({"start": "2026-01-01T00:00:00"}, "is not an instant with a zone"),
        ({"start": "20260101"}, "is not an instant with a zone"),
        ({"period": "P0D"}, "is not a positive duration"),
    ],
)
def test_a_bad_window_is_refused_with_its_reason(fields: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        WindowSpec.model_validate(fields)


RULES = st.sampled_from(
    [
        {},
        {"cron": "0 18 * * MON-FRI"},
        {"interval": "R/PT5M"},
        {"once": "2026-01-31T15:30:00Z"},
        {"cron": "1 2 3 * * *"},
    ]
)
SCHEDULES = st.builds(
    lambda rule, zone, misfire: {**rule, "timeZone": zone, "misfire": misfire.value},
    RULES,
    st.sampled_from(["UTC", "Asia/Tokyo"]),
    st.sampled_from(Misfire),
)
WINDOWS = st.sampled_from(
    [{}, {"period": "P2Y"}, {"start": "2020-01-01"}, {"start": "2020-01-01", "end": "2021-01-01"}]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
SPECS = st.fixed_dictionaries(
    {"type": st.sampled_from(["marketdata", "fundamentals"]), "mode": st.just("backfill"), "window": WINDOWS},
    optional={
        "displayName": TEXTS,
        "description": TEXTS,
        "symbols": st.lists(st.from_regex(r"[A-Z]{1,5}", fullmatch=True), min_size=1, max_size=30, unique=True),
        "intervals": st.lists(st.sampled_from([word.value for word in Interval]), min_size=1, unique=True),
        "schedule": SCHEDULES,
        "retry": st.fixed_dictionaries({"factor": st.floats(1, 100), "maxRetries": st.integers(0, 100)}),
        "timeout": st.sampled_from(["PT30S", "PT1H"]),
        "priority": st.sampled_from(["low", "NORMAL", "High", "critical"]),
        "batchSize": st.integers(1, 500),
        "tags": st.lists(TEXTS.filter(bool), max_size=4),
    },
)


@given(SPECS)
def test_a_document_reads_back_as_an_equal_definition_with_the_same_digest(fields: dict[str, Any]) -> None:
    job = JobSpec.model_validate(fields)
    stored = json.loads(json.dumps(job.document()))
    again = JobSpec.model_validate(stored)
    assert again == job
    assert again.document() == stored
    assert again.digest() == job.digest()


def test_lengths_of_time_in_short_words_are_the_same_definition() -> None:
    words = {"timeout": "10m", "window": {"period": "3y"}, "retry": {"initial": "1m30s"}}
    iso = {"timeout": "PT10M", "window": {"period": "P3Y"}, "retry": {"initial": "PT1M30S"}}
    assert spec(**words) == spec(**iso)
    assert spec(**words).document() == spec(**iso).document()


def test_switching_a_job_off_does_not_change_its_digest() -> None:
    assert spec(enabled=False).digest() == spec().digest()


@pytest.mark.parametrize(
    "fields",
    [{"symbols": ["AAPL"]}, {"schedule": {"cron": "0 18 * * *"}}, {"retry": {"factor": 3.0}}, {"type": "fundamentals"}],
)
def test_any_other_change_changes_the_digest(fields: dict[str, Any]) -> None:
    assert spec(**fields).digest() != spec().digest()


def test_the_digest_is_the_same_on_every_node_and_in_every_release() -> None:
    # A changed digest makes a new version of every stored job; if that is meant, give the new one here.
    assert spec(symbols=["AAPL"]).digest() == "2df0df954fd9cfdfd1c7d444b2567036b7591a30330790fed4754acd237057a8"


def test_both_spellings_of_a_field_are_read_and_the_manifest_s_is_written() -> None:
    assert spec(batch_size=5) == spec(batchSize=5)
    assert "batchSize" in spec().document()


def test_a_manifest_reads_back_from_its_document() -> None:
    manifest = Manifest.model_validate(
        {
            "apiVersion": "stockjobs/v1",
            "kind": "Job",
            "metadata": {"name": "closes", "labels": {"team": "quants"}},
            "spec": {"type": JobType.FUNDAMENTALS.value, "enabled": False},
        }
    )
    assert Manifest.model_validate(json.loads(json.dumps(manifest.document()))) == manifest


@pytest.mark.parametrize(
    "change",
    [
        {"apiVersion": "v2"},
        {"kind": "Pod"},
        {"metadata": {"name": "history"}},
        {"metadata": {"name": "x", "labels": {"a": "\0"}}},
        {"status": {}},
    ],
)
def test_a_manifest_of_another_kind_is_refused(change: dict[str, Any]) -> None:
    good = {"apiVersion": "stockjobs/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": {"type": "marketdata"}}
    with pytest.raises(ValidationError):
        Manifest.model_validate({**good, **change})
