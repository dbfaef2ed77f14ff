"""Help in lines that are broken between words, never at a word's hyphen: what an option takes is there to be copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

_HELD = "\ue000"
"""Stands for a hyphen while lines are broken; no text has it."""


class Formatter(typer.Context.formatter_class):  # type: ignore[misc, valid-type]
    """Breaks lines of help between words."""

    def write_text(self, text: str) -> None:
        """Write a text in lines."""
        super().write_text(text.replace("-", _HELD))

    def write_dl(self, rows: Sequence[tuple[str, str]], *arguments: Any, **settings: Any) -> None:
        """Write names and what is said of each, in two columns."""
        super().write_dl([(name, said.replace("-", _HELD)) for name, said in rows], *arguments, **settings)

    def getvalue(self) -> str:
        """All that was written."""
        return str(super().getvalue()).replace(_HELD, "-")


class Context(typer.Context):
    """The context of a call, whose help is written so."""

    formatter_class = Formatter


def wrap(command: Any) -> None:
    """Let a command, and those under it, write their help so."""
    for one in (command, *getattr(command, "commands", {}).values()):
        one.context_class = Context
