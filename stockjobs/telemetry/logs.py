"""Structured logs: one line an event, with a sentence, an action and ids. JSON for machines, text for people.

The loggers of libraries (Celery, kombu, Alembic) go through the same formatter, and passwords in URLs are masked in all of them.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from stockjobs.domain.masks import mask_secrets


def configure(level: str, form: str = "auto", stream: TextIO | None = None) -> None:
    """Set up logging for this process. `form` is json, text, or auto: text on a terminal, JSON elsewhere."""
    stream = stream or sys.stderr
    as_text = form == "text" or (form == "auto" and stream.isatty())
    shared = _shared()
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
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
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # As text before it is masked, and without the local variables.
            structlog.processors.ExceptionRenderer(),
            _mask,
            renderer,
        ],
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


def _mask(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: _masked(value) for key, value in event.items()}


def _masked(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(key): _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in value]
    return mask_secrets(repr(value) if isinstance(value, BaseException) else str(value))
