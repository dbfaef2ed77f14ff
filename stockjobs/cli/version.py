"""`stockctl version`."""

from __future__ import annotations

import platform
from importlib.metadata import version as version_of

import typer

_STANDS_ON = ("celery", "kombu", "redis", "SQLAlchemy", "yfinance", "flower")


def version() -> None:
    """Show the version, and those of what it stands on."""
    typer.echo(f"stockjobs {version_of('stockjobs')}")
    typer.echo(
        ", ".join((f"Python {platform.python_version()}", *(f"{name} {version_of(name)}" for name in _STANDS_ON)))
    )
