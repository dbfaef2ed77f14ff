"""Help in lines that are broken between words, never at a word's hyphen: what an option takes is there to be copied."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import typer

_PYTHON = re.compile(r"^([^-].*?) <(str|int range|list\[\w+\])>$")
"""An argument's name with its type behind it, as Python writes types."""
_HELD = "\ue000"
"""Stands for a hyphen while lines are broken; no text has it."""


class Formatter(typer.Context.formatter_class):  # type: ignore[misc, valid-type]
    """Breaks lines of help between words."""

    def write_text(self, text: str) -> None:
        """Write a text in lines."""
        super().write_text(text.replace("-", _HELD))

    def write_dl(self, rows: Sequence[tuple[str, str]], *arguments: Any, **settings: Any) -> None:
        """Write names and what is said of each, in two columns."""
        told = [(_named(name), said.replace("-", _HELD)) for name, said in rows]
        super().write_dl(told, *arguments, **settings)

    def getvalue(self) -> str:
        """All that was written."""
        return str(super().getvalue()).replace(_HELD, "-")


def _named(name: str) -> str:
    """An argument as people call it, with dots where it may be several."""
    found = _PYTHON.match(name)
    return name if found is None else found[1] + ("…" if found[2].startswith("list") else "")


class Context(typer.Context):
    """The context of a call, whose help is written so."""

    formatter_class = Formatter


def wrap(command: Any) -> None:
    """Let a command, and those under it, write their help so."""
    for one in (command, *getattr(command, "commands", {}).values()):
        one.context_class = Context
