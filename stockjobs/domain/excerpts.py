"""How a text that was refused is shown in the refusal."""

from __future__ import annotations

_LONGEST = 40


def excerpt(text: str) -> str:
    """The text in quotes with its control characters escaped, shortened if it is long."""
    return repr(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 10]}…")
