"""Structured logs: one line an event, the same form for our own and foreign loggers, and never a secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import structlog

from stockjobs.telemetry import logs

SECRET = "S3CR3T"
URL = f"postgresql://me:{SECRET}@db/x"


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def configured(form: str, level: str = "INFO") -> io.StringIO:
    stream = io.StringIO()
    logs.configure(level, form, stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_a_sentence_an_action_ids_and_a_utc_time() -> None:
    stream = configured("json")
    task = UUID(int=5)
    logs.get("stockjobs.collect").info("Landed 20 bars.", action="land", task=task, rows=20)
    [line] = lines(stream)
    assert datetime.fromisoformat(line.pop("at")).utcoffset() == timedelta(0)
    assert line == {
        "event": "Landed 20 bars.",
        "action": "land",
        "task": str(task),
        "rows": 20,
        "level": "info",
        "logger": "stockjobs.collect",
    }


def test_a_foreign_logger_writes_the_same_form() -> None:
    stream = configured("json")
    logging.getLogger("celery.worker").warning("lost %s", "connection")
    [line] = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("lost connection", "warning", "celery.worker")


def test_what_is_bound_to_the_context_is_in_every_line() -> None:
    stream = configured("json")
    with structlog.contextvars.bound_contextvars(attempt="a1"):
        logs.get("ours").info("one")
        logging.getLogger("theirs").info("two")
    assert [line["attempt"] for line in lines(stream)] == ["a1", "a1"]


def test_lines_below_the_level_are_left_out() -> None:
    stream = configured("json", "WARNING")
    logs.get("ours").info("quiet")
    logging.getLogger("theirs").info("quiet")
    logs.get("ours").warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_noisy_libraries_speak_only_when_they_warn() -> None:
    stream = configured("json", "DEBUG")
    logging.getLogger("yfinance").info("chatter")
    logging.getLogger("yfinance").warning("trouble")
    assert [line["event"] for line in lines(stream)] == ["trouble"]


def test_configuring_again_does_not_double_the_lines() -> None:
    configured("json")
    stream = configured("json")
    logs.get("ours").info("once")
    assert len(lines(stream)) == 1


def test_auto_is_json_where_no_person_looks() -> None:
    stream = configured("auto")
    logs.get("ours").info("hello")
    assert lines(stream)[0]["event"] == "hello"


def test_text_is_for_people() -> None:
    stream = configured("text")
    logs.get("ours").info("Landed 20 bars.", rows=20)
    assert "Landed 20 bars." in stream.getvalue()
    assert "rows=20" in stream.getvalue()


def test_an_exception_is_one_json_line_with_its_traceback() -> None:
    stream = configured("json")
    try:
        raise ValueError("broken")
    except ValueError:
        logs.get("ours").exception("It failed.")
    [line] = lines(stream)
    assert "ValueError: broken" in line["exception"]
    assert "test_logs.py" in line["exception"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_secret_is_in_no_part_of_a_line(form: str) -> None:
    stream = configured(form)
    ours, theirs = logs.get(f"ours.{form}"), logging.getLogger("theirs")
    ours.info(f"Cannot reach {URL}.", url=URL, nested={"urls": [URL, (URL,)]}, error=ValueError(URL))
    theirs.warning("cannot reach %s", URL)
    local = URL
    try:
        raise ConnectionError(f"no answer from {local}")
    except ConnectionError:
        ours.exception("It failed.")
        theirs.exception("it failed")
    assert stream.getvalue().count("no answer from postgresql://me:***@db/x") == 2
    assert SECRET not in stream.getvalue()
