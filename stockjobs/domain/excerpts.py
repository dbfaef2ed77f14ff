"""How what was refused is shown in the refusal."""

from __future__ import annotations

_LONGEST = 40


def excerpt(text: str) -> str:
    """The text in quotes with its control characters escaped, shortened if it is long."""
    return repr(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 10]}…")


def shown(value: object) -> str:
    """Any value as YAML would have it, a text in quotes, shortened if it is long."""
    if isinstance(value, str):
        return excerpt(value)
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    # A number of thousands of digits cannot even be turned into a text.
    text = "a huge number" if isinstance(value, int) and value.bit_length() > 128 else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 10]}…"
