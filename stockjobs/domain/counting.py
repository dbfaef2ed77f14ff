"""How numbers of things are written."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number and its noun: 1 task, 1,200 tasks."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
