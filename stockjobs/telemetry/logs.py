"""Structured logs: one line an event, with a sentence, an action and ids. JSON for machines, text for people.

The loggers of libraries (Celery, kombu, Alembic) go through the same formatter, and passwords in URLs are masked in all of them.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

_CREDENTIALS = re.compile(r"(?P<head>\w+://[^\s:/@]*:)[^\s@]+@")


def configure(level: str, form: str = "auto", stream: TextIO | None = None) -> None:
    """Set up logging for this process. `form` is json, text, or auto: text on a terminal, JSON elsewhere."""
    stream = stream or sys.stderr
    as_text = form == "text" or (form == "auto" and stream.isatty())
    shared = _shared()
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=0)
        if as_text
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _mask, _exception(as_text), renderer],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in ("yfinance", "peewee", "urllib3", "alembic.runtime.migration", "alembic.runtime.plugins"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def get(name: str) -> Any:
    """A logger that takes a sentence and keywords: `log.info("Landed 20 bars.", action="land", task=...)`."""
    return structlog.stdlib.get_logger(name)


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]


def _exception(as_text: bool) -> Processor:
    return structlog.processors.ExceptionRenderer() if not as_text else _keep


def _keep(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return event


def _mask(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {
        key: _CREDENTIALS.sub(r"\g<head>***@", value) if isinstance(value, str) else value
        for key, value in event.items()
    }
